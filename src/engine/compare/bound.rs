//! What is certain at any look: the normal mixture's boundary, with Student's tail for few groups.
//! In: a variance, degrees of freedom, a permitted error. Out: what an amount must exceed.

/// Bad answers at which the boundary begins to bend. With 2 or 15 nothing is faster.
pub const BEND: f64 = 5.0;

/// Beyond this the exponential is no number any more, and nothing is certain for long before.
const LARGEST_EXPONENT: f64 = 700.0;

/// The logarithm in the boundary (Robbins 1970): it grows with the variance, which is the boundary's clock.
pub fn logarithm(variance: f64, one_sided: f64) -> f64 {
    ((variance + BEND) / BEND).ln() - 2.0 * (2.0 * one_sided).ln()
}

/// What the amount of a fair world exceeds at some look with a probability of `one_sided` at most. Infinite where there are
/// too few degrees of freedom.
pub fn bound(variance: f64, freedom: f64, one_sided: f64) -> f64 {
    let l = logarithm(variance, one_sided);
    if freedom <= 0.0 || l / freedom > LARGEST_EXPONENT {
        return f64::INFINITY;
    }
    ((variance + BEND) * freedom * (l / freedom).exp_m1()).sqrt()
}
