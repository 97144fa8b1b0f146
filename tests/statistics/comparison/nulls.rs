//! Worlds in which no variant does anything. Whatever is said of one of them is false.

use crate::comparison::{
    Table,
    run::{run, worlds},
    world::{BEGIN, Coming, DAY, Failing, Setting},
};
use burgee::engine::{instant, units::Second};
use std::time::Instant;

/// Looks are ten seconds apart.
const STEP: f64 = 10.0;

/// Of a hundred worlds, those of which something false may be said.
const LIMIT: f64 = 1.0;

fn settings(days: f64) -> Vec<Setting> {
    let at = |part: f64| instant::show(Second(BEGIN + (part * days * DAY) as i64));
    let glide = format!(
        "{{rollout: {{from: 1%, to: 99.9%, start: \"{}\", end: \"{}\"}}}}",
        at(0.0),
        at(1.0)
    );
    let steps = format!(
        "{{rollout: {{\"{}\": 1%, \"{}\": 10%, \"{}\": 50%, \"{}\": 99%}}}}",
        at(0.0),
        at(0.25),
        at(0.5),
        at(0.75)
    );
    let opposite = "{rules: [{when: {plan: staff}, rollout: 90%}], rollout: 10%}";
    use Failing::{Accounts, Beta, Both, Requests};
    vec![
        Setting::new("10%, 1% of accounts always fail", "10%"),
        Setting {
            failing: Requests,
            ..Setting::new("10%, 1% of requests fail", "10%")
        },
        Setting {
            ..Setting::new("99%, 1% of accounts always fail", "99%")
        },
        Setting {
            users: 20,
            base: 0.1,
            ..Setting::new("50% of 20 users, 10% of accounts", "50%")
        },
        Setting {
            users: 500,
            failing: Beta,
            base: 0.1,
            coming: Coming::Daily,
            ..Setting::new(
                "50% of 500 users once a day, each fails at a rate of its own",
                "50%",
            )
        },
        Setting {
            users: (20_000.0 * days) as usize,
            base: 0.2,
            uneven: 0.5,
            coming: Coming::Once,
            ..Setting::new("50%, one visit each, 20% of accounts", "50%")
        },
        Setting {
            failing: Both,
            base: 0.1,
            drift: 1.5,
            traffic: 0.8,
            ..Setting::new(
                "a glide from 1 to 99.9%, errors drift by 20 times, traffic by 9",
                &glide,
            )
        },
        Setting {
            failing: Requests,
            outages: 20.0,
            ..Setting::new("a glide from 1 to 99.9%, 20 outages a day", &glide)
        },
        Setting {
            failing: Both,
            base: 0.1,
            drift: 1.5,
            outages: 6.0,
            ..Setting::new("steps 1, 10, 50, 99%, outages, drift", &steps)
        },
        Setting {
            rule: Some((0.2, 5.0)),
            failing: Accounts,
            drift: 1.5,
            ..Setting::new(
                "two rules: 90% of staff, who fail 5 times as often, and 10% of others",
                opposite,
            )
        },
        Setting {
            failing: Requests,
            storms: 20.0,
            ..Setting::new("10%, 20 times a day a part of users fails", "10%")
        },
        Setting {
            failing: Requests,
            hammers: 1,
            ..Setting::new(
                "50%, one client sends as many errors as all others requests",
                "50%",
            )
        },
    ]
}

/// The worlds of which the guard stopped something, of so many of all kinds in turn.
pub fn stopped(count: usize, days: f64) -> Vec<&'static str> {
    let settings = settings(days);
    let said = worlds(count, |world| {
        let place = world as usize % settings.len();
        let seed = (1 << 48) | (place as u64) << 32 | world;
        let said = run(&settings[place], days, STEP, &[0.0], false, seed);
        said.stops[0].map(|_| settings[place].name)
    });
    said.into_iter().flatten().collect()
}

pub fn table(count: usize, days: f64) -> Table {
    let mut text = format!(
        "| no effect: {days} days, a look each {STEP} s | worlds | stopped by the guard, margin 0 | said on the page |\n|---|---|---|---|\n"
    );
    let mut wrong = Vec::new();
    for (place, setting) in settings(days).into_iter().enumerate() {
        let began = Instant::now();
        let seed = |world: u64| (place as u64 + 1) << 32 | world;
        let said = worlds(count, |world| {
            run(&setting, days, STEP, &[0.0], true, seed(world))
        });
        let stopped = said.iter().filter(|said| said.stops[0].is_some()).count();
        let words = said.iter().filter(|said| said.words.is_some()).count();
        text += &format!("| {} | {count} | {stopped} | {words} |\n", setting.name);
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{}: {stopped} stopped, {words} said, of {count} in {seconds:.0} s",
            setting.name
        );
        for (what, count_false) in [("stopped", stopped), ("said", words)] {
            if 100.0 * count_false as f64 > LIMIT * count as f64 {
                wrong.push(format!("{}: {count_false} {what}", setting.name));
            }
        }
    }
    Table { text, wrong }
}
