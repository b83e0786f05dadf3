//! What is being done, how far it is and how long it has taken: a bar for each task on a terminal, plain lines
//! elsewhere.
//!
//! A task belongs to the thread that does it. Programs that the thread runs meanwhile (`process::run`) report to
//! it: cargo says how many crates are built, the rest is told by its last line. What they printed is shown only
//! when they fail, or goes into the task's log.

pub mod said;

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use said::Said;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// So often a plain line tells how far a task is.
const INTERVAL: Duration = Duration::from_secs(15);
/// How many lines of a program are kept in case it fails.
const KEPT_LINES: usize = 400;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Task>>> = const { RefCell::new(None) };
}

static SCREEN: LazyLock<Screen> = LazyLock::new(Screen::new);

/// Where all tasks are shown.
struct Screen {
    bars: MultiProgress,
    is_terminal: bool,
    tasks: Mutex<Vec<Weak<Task>>>,
}

impl Screen {
    fn new() -> Self {
        let is_terminal = stderr().is_terminal();
        if !is_terminal {
            thread::spawn(|| {
                loop {
                    thread::sleep(INTERVAL);
                    SCREEN.tell_all();
                }
            });
        }
        Self { bars: MultiProgress::new(), is_terminal, tasks: Mutex::default() }
    }

    fn tell_all(&self) {
        let mut tasks = locked(&self.tasks);
        tasks.retain(|task| task.strong_count() > 0);
        for task in tasks.iter().filter_map(Weak::upgrade) {
            if task.started.elapsed() >= INTERVAL {
                eprintln!("{}", task.line());
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that takes a while.
pub struct Task {
    name: String,
    started: Instant,
    bar: ProgressBar,
    state: Mutex<ProgressState>,
    /// Takes all that is printed, where the task has one.
    log: Option<Mutex<File>>,
}

#[derive(Default)]
struct ProgressState {
    doing: String,
    /// How many parts are done, and of how many.
    parts: Option<(u64, u64)>,
    /// The last lines of the program that runs.
    tail: VecDeque<String>,
}

impl Task {
    fn start(name: &str, log: Option<File>) -> Arc<Self> {
        let bar = SCREEN.bars.add(ProgressBar::new_spinner());
        bar.set_style(style(false));
        bar.set_prefix(name.to_owned());
        if SCREEN.is_terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let task = Arc::new(Self {
            name: name.to_owned(),
            started: Instant::now(),
            bar,
            state: Mutex::default(),
            log: log.map(Mutex::new),
        });
        locked(&SCREEN.tasks).push(Arc::downgrade(&task));
        task
    }

    /// The task in one plain line.
    fn line(&self) -> String {
        let state = locked(&self.state);
        let parts = state.parts.map(|(done, all)| format!("{done} of {all}, "));
        let (name, parts) = (&self.name, parts.unwrap_or_default());
        format!("{name}: {parts}{} ({})", state.doing, duration(self.started.elapsed()))
    }

    /// What the task is at, until something else is said.
    pub fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        locked(&self.state).doing = what.to_owned();
    }

    /// Takes a piece of a program's output: a line, or what stands there until the next one.
    pub fn hear(&self, piece: &[u8]) {
        let text = String::from_utf8_lossy(piece);
        match said::understand(&text) {
            Said::Nothing => return,
            Said::Parts { done, all, what } => {
                locked(&self.state).parts = Some((done, all));
                self.bar.set_style(style(true));
                self.bar.set_length(all);
                self.bar.set_position(done);
                self.doing(&what);
                // Redrawn many times a second: not a line of the log.
                return;
            }
            Said::Passing(what) => return self.doing(&what),
            Said::Line(line) => self.doing(&line),
        }
        let text = text.trim_end();
        let mut state = locked(&self.state);
        state.tail.push_back(text.to_owned());
        if state.tail.len() > KEPT_LINES {
            state.tail.pop_front();
        }
        drop(state);
        self.write(text);
    }

    fn write(&self, line: &str) {
        if let Some(log) = &self.log {
            // A full disk must not hide what goes wrong with it.
            let _ = writeln!(locked(log), "{line}");
        }
    }

    /// A program begins: what the last one said is of no use any longer.
    pub fn begin(&self, command: &str) {
        let mut state = locked(&self.state);
        state.tail.clear();
        state.parts = None;
        drop(state);
        self.bar.set_style(style(false));
        self.doing(&said::in_short(command));
        self.write(&format!("$ {command}"));
    }

    /// What a program that has failed printed, as far as it matters.
    pub fn last_words(&self) -> Vec<String> {
        said::last_words(locked(&self.state).tail.make_contiguous())
    }

    pub fn has_log(&self) -> bool {
        self.log.is_some()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        SCREEN.bars.remove(&self.bar);
    }
}

fn style(has_parts: bool) -> ProgressStyle {
    let template = if has_parts {
        "{spinner} {prefix:<12} {elapsed:>4} [{bar:24}] {pos}/{len} {wide_msg}"
    } else {
        "{spinner} {prefix:<12} {elapsed:>4} {wide_msg}"
    };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
}

/// As a person says it: `8 s`, `3 min 5 s`.
pub fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A line for the user: above the bars, or into the log of the task that this thread does.
pub fn say(line: &str) {
    match current().filter(|task| task.has_log()) {
        Some(task) => task.write(line),
        None => show(line),
    }
}

/// A line above the bars, whatever this thread does.
pub fn show(line: &str) {
    if SCREEN.is_terminal {
        SCREEN.bars.suspend(|| eprintln!("{line}"));
    } else {
        eprintln!("{line}");
    }
}

/// The same for what a user asked for: on standard output.
pub fn print(line: &str) {
    match current().filter(|task| task.has_log()) {
        Some(task) => task.write(line),
        None => SCREEN.bars.suspend(|| println!("{line}")),
    }
}

/// Is there a terminal?
pub fn is_terminal() -> bool {
    SCREEN.is_terminal
}

/// The task that this thread does.
pub fn current() -> Option<Arc<Task>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Does `work` as a task of this name, and says when it begins, with what it is, and when it is done. Inside of a
/// task with a log it is a part of that one.
pub fn task<T>(name: &str, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("{name}: {what} ..."));
    let started = Instant::now();
    let result = if current().is_some_and(|task| task.has_log()) {
        work()
    } else {
        let task = Task::start(name, None);
        task.doing(what);
        within(task, work)
    };
    if result.is_ok() {
        say(&format!("{name}: {what}: done in {}", duration(started.elapsed())));
    }
    result
}

/// Does `work` as a task of which all output goes into the file.
pub fn logged<T>(name: &str, log: &Path, work: impl FnOnce() -> T) -> Result<T> {
    let file = File::create(log).with_context(|| format!("{} could not be made", log.display()))?;
    Ok(within(Task::start(name, Some(file)), work))
}

/// Does `work` as a part of a task.
pub fn within<T>(task: Arc<Task>, work: impl FnOnce() -> T) -> T {
    /// Puts the former task back, also when `work` panics.
    struct Restore(Option<Arc<Task>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _restore = Restore(CURRENT.replace(Some(task)));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_minutes_where_it_has_some() {
        assert_eq!(duration(Duration::from_secs(8)), "8 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 5 s");
    }

    #[test]
    fn a_task_tells_how_far_a_program_is() {
        let task = Task::start("relay", None);
        task.begin("cargo build");
        assert_eq!(task.line(), "relay: cargo build (0 s)");
        task.hear(b"    Building [====>      ] 34/120: serde, tokio\r");
        assert_eq!(task.line(), "relay: 34 of 120, serde, tokio (0 s)");
        task.begin("wasm-opt");
        assert_eq!(task.line(), "relay: wasm-opt (0 s)");
    }

    #[test]
    fn a_task_with_a_log_keeps_all_lines_and_no_bars_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let inner = logged("native", &log, || {
            say("one");
            current().unwrap().hear(b"    Building [=>  ] 3/12: serde\r");
            current().unwrap().hear(b"\x1b[1mtwo\x1b[0m\n");
            task("page", "the page", || Ok(current().unwrap().has_log()))
        });
        assert!(inner.unwrap().unwrap());
        assert!(current().is_none());
        let text = std::fs::read_to_string(log).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["one", "\u{1b}[1mtwo\u{1b}[0m", "page: the page ..."]);
        assert_eq!(lines[3], "page: the page: done in 0 s");
    }

    #[test]
    fn no_more_than_the_last_lines_are_kept() {
        let task = Task::start("relay", None);
        for line in 0..KEPT_LINES + 10 {
            task.hear(format!("line {line}\n").as_bytes());
        }
        assert_eq!(locked(&task.state).tail.len(), KEPT_LINES);
    }
}
