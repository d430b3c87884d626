use super::*;
use crate::aws::loopback_client;

/// A function as a shell script of a process that never polls, for what happens to processes.
fn process(script: &str) -> (tempdir::Script, FunctionProcess) {
    let script = tempdir::Script::new(script);
    let process = FunctionProcess { binary: script.path(), env: BTreeMap::from([("GREETING".into(), "ahoy".into())]) };
    (script, process)
}

mod tempdir {
    use std::{path::PathBuf, process::Command};

    /// A shell of its own: a file that this process had open for writing could not be run as long as another thread's child had it, too.
    const WRITE: &str = r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod +x "$0""#;

    /// An executable file that is removed when dropped.
    pub(super) struct Script(PathBuf);

    impl Script {
        pub(super) fn new(lines: &str) -> Self {
            let path = std::env::temp_dir().join(format!("function-{:016x}", rand::random::<u64>()));
            let written = Command::new("/bin/sh").args(["-c", WRITE]).arg(&path).arg(lines).status();
            assert!(written.expect("a shell").success(), "the temporary folder can be written");
            Self(path)
        }

        pub(super) fn path(&self) -> PathBuf {
            self.0.clone()
        }
    }

    impl Drop for Script {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

/// A runtime client that polls once and answers with what `answer` makes of the event, at `response` or `error`.
async fn answer_once(base: String, outcome: &'static str, answer: impl Fn(Value) -> Value) {
    let client = loopback_client();
    let next = client.get(format!("{base}/2018-06-01/runtime/invocation/next")).send().await.expect("a poll");
    assert_eq!(next.status(), 200);
    let header = |name: &str| next.headers()[name].to_str().expect("text").to_owned();
    let request_id = header("lambda-runtime-aws-request-id");
    assert!(header("lambda-runtime-invoked-function-arn").ends_with(":function:booking-webhook"));
    assert!(header("lambda-runtime-deadline-ms").parse::<i64>().expect("a number") > 1_700_000_000_000);
    let event = next.json().await.expect("JSON");
    let url = format!("{base}/2018-06-01/runtime/invocation/{request_id}/{outcome}");
    let told = client.post(&url).json(&answer(event)).send().await.expect("an answer");
    assert_eq!(told.status(), 202);
    let again = client.post(&url).json(&json!({})).send().await.expect("an answer");
    assert_eq!(again.status(), 400, "an invocation is answered once");
}

fn base(lambda: &Lambda, environment: &str) -> String {
    format!("http://{}/.rt/{environment}", lambda.address())
}

/// Resolves as soon as so many polls are waiting.
async fn waiting(lambda: &Lambda, count: usize) {
    let wait = async {
        while lambda.invocations.waiting() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIME_OUT, wait).await.unwrap_or_else(|_| panic!("{count} polls are waiting"));
}

#[tokio::test]
async fn an_invocation_goes_to_the_next_poll_and_comes_back() {
    let lambda = Lambda::start(TIME_OUT).await.expect("a free port");
    let root = format!("http://{}", lambda.address());
    for poller in [root, base(&lambda, "a"), base(&lambda, "b")] {
        let payload = json!({ "n": 1 });
        let (invocation, ()) =
            tokio::join!(lambda.invoke(&payload), answer_once(poller, "response", |event| json!({ "heard": event })),);
        let invocation = invocation.expect("it was taken");
        assert_eq!((invocation.payload, invocation.function_error), (json!({ "heard": { "n": 1 } }), None));
    }
}

#[tokio::test]
async fn the_invoke_api_tells_a_function_error() {
    let lambda = Lambda::start(TIME_OUT).await.expect("a free port");
    let url = format!("http://{}/2015-03-31/functions/booking-webhook/invocations", lambda.address());
    let invoke = loopback_client().post(&url).body("{}").send();
    let error = json!({ "errorType": "Broken", "errorMessage": "no" });
    let (answer, ()) = tokio::join!(invoke, answer_once(base(&lambda, "a"), "error", |_| error.clone()));
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-amz-function-error"]),
        (200, &"Unhandled".parse().unwrap())
    );
    assert_eq!(answer.json::<Value>().await.expect("JSON"), error);

    let other =
        loopback_client().post(url.replace("booking-webhook", "other")).body("{}").send().await.expect("an answer");
    assert_eq!(other.status(), 404);
}

#[tokio::test]
async fn nobody_takes_it_or_takes_too_long() {
    let lambda = Lambda::start(Duration::from_millis(100)).await.expect("a free port");
    let error = lambda.invoke(&json!({})).await.expect_err("nobody polls");
    assert!(matches!(error, InvokeError::NotTaken(_)));

    let poll = loopback_client().get(format!("{}/2018-06-01/runtime/invocation/next", base(&lambda, "a"))).send();
    let poll = tokio::spawn(poll);
    waiting(&lambda, 1).await;
    let invocation = lambda.invoke(&json!({})).await.expect("it was taken");
    poll.await.expect("a poll").expect("an invocation");
    assert!(invocation.timed_out() && invocation.function_error.is_some(), "{invocation:?}");
}

#[tokio::test]
async fn a_process_sees_only_its_own_environment() {
    let lambda = Lambda::start(TIME_OUT).await.expect("a free port");
    let (_script, process) = process("/usr/bin/env; echo \"$GREETING\" >&2; exit 3");
    let environment = lambda.spawn(&process).expect("a shell");
    let error = environment.ready().await.expect_err("it never polls");
    assert!(error.reason.contains("exit status: 3"), "{error}");
    assert!(error.log.contains(&"ahoy".to_owned()), "{error}");
    assert!(error.log.iter().any(|line| line.starts_with("AWS_LAMBDA_RUNTIME_API=http://127.0.0.1:")), "{error}");
    assert!(!error.log.iter().any(|line| line.starts_with("CARGO")), "{error}");
    assert_eq!(lambda.log().lines().len(), error.log.len());
}

#[tokio::test]
async fn a_killed_environment_ends_its_invocation_and_takes_no_other() {
    let lambda = Lambda::start(TIME_OUT).await.expect("a free port");
    let (_script, process) = process("echo \"$AWS_LAMBDA_RUNTIME_API\"; exec sleep 60");
    let environment = lambda.spawn(&process).expect("a shell");
    let api = lambda.log().wait_for(|line| line.contains("/.rt/")).await;
    let next = || loopback_client().get(format!("{api}/2018-06-01/runtime/invocation/next")).send();

    let payload = json!({});
    let (invocation, ()) = tokio::join!(lambda.invoke(&payload), async {
        next().await.expect("an invocation");
        environment.ready().await.expect("it has polled");
        environment.kill().await;
    });
    let invocation = invocation.expect("it was taken");
    assert_eq!(invocation.payload["errorType"], "Runtime.ExitError");
    assert!(invocation.payload["errorMessage"].as_str().expect("text").contains("SIGKILL"), "{invocation:?}");
    assert_eq!(next().await.expect("an answer").status(), 410, "the dead take nothing");
}

#[tokio::test]
async fn an_idle_environment_that_dies_takes_no_invocation() {
    use tokio::io::AsyncWriteExt;

    let lambda = Lambda::start(TIME_OUT).await.expect("a free port");
    let mut idle = tokio::net::TcpStream::connect(lambda.address()).await.expect("it listens");
    let poll = b"GET /.rt/a/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: lambda\r\n\r\n";
    idle.write_all(poll).await.expect("it reads");
    waiting(&lambda, 1).await;
    drop(idle);
    waiting(&lambda, 0).await;

    let payload = json!({});
    let answer = answer_once(base(&lambda, "b"), "response", |_| json!("b"));
    let (invocation, ()) = tokio::join!(lambda.invoke(&payload), answer);
    assert_eq!(invocation.expect("the other takes it").payload, "b");
}
