//! The comparison of variants, in worlds that are made up: how often it says something false where no variant does anything, and
//! how long it takes where one does. `cargo test` runs a few hours of each world, `make statistics` weeks of hundreds.

mod nulls;
mod power;
pub mod random;
mod run;
mod world;

use crate::table::on_page;

/// A week, and as many worlds of each kind as the promise is about.
#[test]
#[ignore = "minutes, and only with optimisation: make statistics"]
fn the_promise_of_the_comparison_holds_and_the_page_says_so() {
    let nulls = nulls::table(200, 7.0);
    let power = power::table(40);
    let table = format!("{}\n{}", nulls.text, power.text);
    println!("{table}");
    assert!(nulls.wrong.is_empty(), "{:?}", nulls.wrong);
    assert!(power.wrong.is_empty(), "{:?}", power.wrong);
    on_page("compared", &table);
}

/// What a guard promises: worlds of all kinds in turn, a week of each, its margin 0.
#[test]
#[ignore = "minutes, and only with optimisation: make statistics"]
fn of_200_guarded_weeks_without_an_effect_at_most_two_are_stopped() {
    let stopped = nulls::stopped(200, 7.0);
    println!("stopped: {stopped:?}");
    assert!(stopped.len() <= 2, "{stopped:?}");
}

/// Nine of ten, by the clock of the looks: at 5 requests a second in the arm and a margin of 0.5 points.
#[test]
#[ignore = "minutes, and only with optimisation: make statistics"]
fn harm_that_begins_after_six_good_hours_is_found_in_time() {
    for (effect, most) in [(0.2, 90.0), (1.0, 15.0)] {
        let mut seconds = power::seconds(20, effect, true, 0.005);
        seconds.sort_by(f64::total_cmp);
        println!("+{effect}: {seconds:?}");
        assert!(
            seconds[0] > 0.0 && seconds[17] <= most,
            "+{effect}: {seconds:?}"
        );
    }
}

#[test]
fn nothing_is_said_in_a_few_hours_of_worlds_without_an_effect() {
    let nulls = nulls::table(1, 0.3);
    assert!(nulls.wrong.is_empty(), "{:?}\n{}", nulls.wrong, nulls.text);
}

#[test]
fn a_total_failure_is_found_in_seconds() {
    let seconds = power::seconds(5, 1.0, false, 0.001);
    assert!(seconds.iter().all(|s| *s <= 10.0), "{seconds:?}");
    let seconds = power::seconds(3, 0.2, false, 0.005);
    assert!(seconds.iter().all(|s| *s <= 60.0), "{seconds:?}");
}

/// Rows for the page, and what misses its limit.
struct Table {
    text: String,
    wrong: Vec<String>,
}
