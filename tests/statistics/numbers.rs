//! The little mathematics that the table needs, from scratch, so that no statistics crate has to be trusted.

/// Cramer's V and the p-value of a contingency table (Pearson's chi-squared).
pub fn association(table: &[Vec<u64>]) -> (f64, f64) {
    let rows: Vec<u64> = table.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<u64> = (0..table[0].len())
        .map(|column| table.iter().map(|row| row[column]).sum())
        .collect();
    let total: u64 = rows.iter().sum();
    let mut chi = 0.0;
    for (row, row_sum) in table.iter().zip(&rows) {
        for (count, column_sum) in row.iter().zip(&columns) {
            let expected = *row_sum as f64 * *column_sum as f64 / total as f64;
            chi += (*count as f64 - expected).powi(2) / expected;
        }
    }
    let (r, c) = (rows.len() as f64 - 1.0, columns.len() as f64 - 1.0);
    ((chi / (total as f64 * r.min(c))).sqrt(), tail(chi, r * c))
}

/// The p-value of equal counts.
pub fn uniform(counts: &[u64]) -> f64 {
    let expected = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let chi = counts
        .iter()
        .map(|count| (*count as f64 - expected).powi(2) / expected)
        .sum();
    tail(chi, counts.len() as f64 - 1.0)
}

/// P(chi-squared with `freedom` degrees > `chi`), by Wilson and Hilferty's cube root and the normal tail:
/// good to three digits for the tens of degrees of freedom used here.
pub fn tail(chi: f64, freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    let z = ((chi / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
    normal_tail(z)
}

/// P(Z > z), Abramowitz and Stegun 7.1.26 by way of erfc.
fn normal_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let upper = 0.5 * poly * (-x * x).exp();
    if z > 0.0 { upper } else { 1.0 - upper }
}

/// What share of people stays put when shares `p` become `q`, as the bucketing contract promises it (`src/engine/diff/flows.rs`).
pub fn kept(p: &[f64], q: &[f64]) -> f64 {
    let stays = |i: usize| {
        let sum: f64 = p
            .iter()
            .zip(q)
            .map(|(pj, qj)| f64::max(pj / p[i], qj / q[i]))
            .sum();
        if p[i] > 0.0 && q[i] > 0.0 {
            1.0 / sum
        } else {
            0.0
        }
    };
    (0..p.len()).map(stays).sum()
}

#[test]
fn the_mathematics_agrees_with_printed_tables() {
    // chi-squared quantiles from any textbook
    for (chi, freedom, p) in [
        (16.919, 9.0, 0.05),
        (103.01, 81.0, 0.05),
        (113.51, 81.0, 0.01),
        (14.684, 9.0, 0.1),
    ] {
        assert!(
            (tail(chi, freedom) / p - 1.0).abs() < 0.02,
            "{chi} with {freedom}: {}",
            tail(chi, freedom)
        );
    }
    assert!((kept(&[0.5, 0.5], &[0.6, 0.4]) - 0.9).abs() < 1e-12);
}
