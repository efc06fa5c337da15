//! Interpreters that recursively create interpreters, wide and deep, in many trees at a time.

use super::{Report, Size, Trouble, baseline};
use archipel::{Interpreter, LimitKind, Policy, Runtime};

/// Each interpreter creates up to `WIDTH` children, and each child does the same in parallel.
const SOURCE: &str = "
import interpreters
kept = []
try:
    while len(kept) < WIDTH:
        kept.append(interpreters.create())
except interpreters.InterpreterError:
    pass
text = f'WIDTH = {WIDTH}\\nSOURCE = {SOURCE!r}\\nexec(SOURCE)'
for task in [child.run_in_thread(text) for child in kept]:
    task.join()
";

/// A shape: the width that each interpreter tries, the granted count and depth, and the resulting number.
const SHAPES: [(&str, usize, (u32, u32), usize); 4] = [
    ("wide", 1000, (20, 1), 20),
    ("deep", 1, (50, 6), 6),
    ("wide and deep, bounded by the count", 2, (20, 5), 20),
    ("wide and deep, bounded by the depth", 2, (50, 3), 14),
];

/// Runs several trees at a time.
pub fn check(size: Size, report: &mut Report) -> Result<(), Trouble> {
    let trees = size.times(1, 4..=64);
    let runtime = Runtime::builder()
        .max_interpreters(u32::try_from(trees)? * 21 + 8)
        .build()?;
    for (what, width, (children, depth), exactly) in SHAPES {
        let source = format!("WIDTH = {width}\nSOURCE = {SOURCE:?}\nexec(SOURCE)");
        let roots: Vec<Interpreter> = (0..trees)
            .map(|_| {
                let policy = Policy::new().children(children, depth)?;
                runtime.interpreter().policy(policy).build()
            })
            .collect::<Result<_, _>>()?;
        std::thread::scope(|scope| {
            let threads: Vec<_> = roots
                .iter()
                .map(|root| {
                    let source = source.clone();
                    scope.spawn(move || root.exec(source))
                })
                .collect();
            for thread in threads {
                thread.join().map_err(|_| "a thread panicked")??;
            }
            Ok::<_, Trouble>(())
        })?;
        let exact = roots.iter().filter(|root| {
            let charged = root.usage().of(LimitKind::Children).subtree;
            root.children().len() == exactly && charged == exactly as u64
        });
        let exact = exact.count();
        report.count(
            &format!("trees of exactly {exactly}: {what}"),
            exact,
            trees,
            exact == trees,
        );
        let (all, wanted) = (runtime.metrics().interpreters, trees * (exactly + 1));
        report.count("interpreters in total", all, wanted, all == wanted);
        drop(roots);
        baseline("leftovers", &runtime, report);
    }
    Ok(())
}
