//! Shows what is being done, how far it is and how long it has taken: a bar for each task on a terminal, plain lines
//! elsewhere.
//!
//! A task belongs to the thread that runs it. Programs that this thread runs (`process::run`) report to the task: cargo
//! reports how many crates are built, and of any other program the last line is shown. Full output is shown only if a
//! program fails, or goes into the log of the task.

pub mod output;

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use output::Output;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How often a plain line reports the progress of a task.
const INTERVAL: Duration = Duration::from_secs(15);
/// How many of a program's last lines are kept in case it fails.
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
                    SCREEN.print_all();
                }
            });
        }
        Self { bars: MultiProgress::new(), is_terminal, tasks: Mutex::default() }
    }

    fn print_all(&self) {
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

/// A piece of work that takes a while.
pub struct Task {
    name: String,
    started: Instant,
    bar: ProgressBar,
    state: Mutex<ProgressState>,
    /// Gets all output, if the task has a log.
    log: Option<Mutex<File>>,
}

#[derive(Default)]
struct ProgressState {
    doing: String,
    /// How many parts are done, and how many there are.
    parts: Option<(u64, u64)>,
    /// The last lines of the running program.
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

    /// Sets what the task is doing.
    pub fn doing(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        locked(&self.state).doing = what.to_owned();
    }

    /// Adds a piece of a program's output: a line, or a progress line that the next one overwrites.
    pub fn add_output(&self, piece: &[u8]) {
        let text = String::from_utf8_lossy(piece);
        match output::parse(&text) {
            Output::Nothing => return,
            Output::Progress { done, all, what } => {
                locked(&self.state).parts = Some((done, all));
                self.bar.set_style(style(true));
                self.bar.set_length(all);
                self.bar.set_position(done);
                self.doing(&what);
                // Redrawn many times a second, so it is not logged.
                return;
            }
            Output::Redrawn(what) => return self.doing(&what),
            Output::Line(line) => self.doing(&line),
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
            // A full disk must not hide the error that it causes.
            let _ = writeln!(locked(log), "{line}");
        }
    }

    /// Starts a program, and forgets the output of the previous one.
    pub fn begin(&self, command: &str) {
        let mut state = locked(&self.state);
        state.tail.clear();
        state.parts = None;
        drop(state);
        self.bar.set_style(style(false));
        self.doing(&output::shorten(command));
        self.write(&format!("$ {command}"));
    }

    /// The part of the output that explains why the program failed.
    pub fn failure(&self) -> Vec<String> {
        output::failure(locked(&self.state).tail.make_contiguous())
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

/// Formats a time as `8 s` or `3 min 5 s`.
pub fn duration(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// Prints a line above the bars, or into the log of the current task.
pub fn say(line: &str) {
    match current().filter(|task| task.has_log()) {
        Some(task) => task.write(line),
        None => show(line),
    }
}

/// Prints a line above the bars, even in a task with a log.
pub fn show(line: &str) {
    if SCREEN.is_terminal {
        SCREEN.bars.suspend(|| eprintln!("{line}"));
    } else {
        eprintln!("{line}");
    }
}

/// Like [`say`], but on standard output, for what the user asked for.
pub fn print(line: &str) {
    match current().filter(|task| task.has_log()) {
        Some(task) => task.write(line),
        None => SCREEN.bars.suspend(|| println!("{line}")),
    }
}

/// Whether standard error is a terminal.
pub fn is_terminal() -> bool {
    SCREEN.is_terminal
}

/// The task of this thread.
pub fn current() -> Option<Arc<Task>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Runs `work` as a task with this name, and prints when it begins and when it is done. Inside a task with a log, it
/// becomes a part of that task.
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

/// Runs `work` as a task whose output goes into a file.
pub fn logged<T>(name: &str, log: &Path, work: impl FnOnce() -> T) -> Result<T> {
    let file =
        File::create(log).with_context(|| format!("{} could not be created", log.display()))?;
    Ok(within(Task::start(name, Some(file)), work))
}

/// Runs `work` as a part of a task.
pub fn within<T>(task: Arc<Task>, work: impl FnOnce() -> T) -> T {
    /// Restores the previous task, even if `work` panics.
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
    fn times_from_a_minute_on_show_minutes() {
        assert_eq!(duration(Duration::from_secs(8)), "8 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 5 s");
    }

    #[test]
    fn a_task_shows_how_far_a_program_is() {
        let task = Task::start("relay", None);
        task.begin("cargo build");
        assert_eq!(task.line(), "relay: cargo build (0 s)");
        task.add_output(b"    Building [====>      ] 34/120: serde, tokio\r");
        assert_eq!(task.line(), "relay: 34 of 120, serde, tokio (0 s)");
        task.begin("wasm-opt");
        assert_eq!(task.line(), "relay: wasm-opt (0 s)");
    }

    #[test]
    fn a_log_contains_all_lines_but_no_progress_bars() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let inner = logged("native", &log, || {
            say("one");
            current().unwrap().add_output(b"    Building [=>  ] 3/12: serde\r");
            current().unwrap().add_output(b"\x1b[1mtwo\x1b[0m\n");
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
    fn only_the_last_lines_are_kept() {
        let task = Task::start("relay", None);
        for line in 0..KEPT_LINES + 10 {
            task.add_output(format!("line {line}\n").as_bytes());
        }
        assert_eq!(locked(&task.state).tail.len(), KEPT_LINES);
    }
}
