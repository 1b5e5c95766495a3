//! Has it happened yet? Polling with a bound: no test sleeps and hopes.

use std::{
    thread,
    time::{Duration, Instant},
};
use tollgate::clock::Clock;

/// For things that take milliseconds when all is well; generous, because test machines are busy.
pub const SOON: Duration = Duration::from_secs(30);
/// Between two looks.
const STEP: Duration = Duration::from_millis(20);

/// Looks until `look` gives a value; after `bound` the test fails and says what it waited for.
#[track_caller]
pub fn until_some<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = now() + bound;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(now() < end, "waited {} s in vain for {what}", bound.as_secs());
        thread::sleep(STEP);
    }
}

/// Looks until `look` is true; after `bound` the test fails and says what it waited for.
#[track_caller]
pub fn until(what: &str, bound: Duration, mut look: impl FnMut() -> bool) {
    until_some(what, bound, || look().then_some(()));
}

/// The steady clock, for measuring how long something took.
pub fn now() -> Instant {
    Clock::system().now().steady
}
