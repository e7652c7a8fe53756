//! Two servers on one Redis: what one answered the other gives again, and a Redis that is away harms nobody.

use crate::governance::governed;
use crate::support::{KEY, Server};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// A Redis of its own, ended with the test.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        // Another program may take the port before Redis does.
        (0..10).find_map(|_| Self::on(free_port())).expect("redis-server should start on a free port")
    }

    fn on(port: u16) -> Option<Self> {
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs redis-server 7: install it with 'apt-get install redis-server'");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_ready = lines.map_while(Result::ok).any(|line| line.contains("Ready to accept connections"));
        let redis = Self { process, port };
        is_ready.then_some(redis)
    }

    fn has(&self, key: &str) -> bool {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.write_all(format!("EXISTS {key}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut reply = String::new();
        connection.read_to_string(&mut reply).unwrap();
        reply.starts_with(":1")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn what_one_server_answered_another_gives_again_and_without_redis_both_ask() {
    let redis = Redis::start();
    let shared = format!(
        "[cache]\nenabled = true\n[cache.shared]\nenabled = true\n[limits]\non_failure = \"open\"\n\
         [redis]\nurl = \"redis://127.0.0.1:{}\"\n",
        redis.port
    );
    let (_a, of_a, first) = governed(&shared);
    let (_b, of_b, second) = governed(&shared);
    let ask = |server: &Server, what: &str| {
        let body = json!({"model": "plain", "temperature": 0, "messages": [{"role": "user", "content": what}]});
        server.post("/v1/chat/completions", &body)
    };
    let made = ask(&first, "Hi");
    assert_eq!((made.status, made.header("x-yizhan-cache")), (200, ""));
    first.until(|_| redis.has("yizhan:{answers}:sizes"));
    let given = ask(&second, "Hi");
    assert_eq!((given.status, given.header("x-yizhan-cache")), (200, "exact"), "{given:?}");
    assert_eq!(given.json()["choices"], made.json()["choices"]);
    assert_eq!((of_a.requests().len(), of_b.requests().len()), (1, 0));
    let metric = |result: &str| format!("yizhan_cache_shared_total{{result=\"{result}\"}} 1");
    let metrics = second.get("/metrics", Some(KEY)).text;
    assert!(metrics.contains(&metric("hit")), "{metrics}");
    drop(redis);
    assert_eq!((ask(&second, "Ho").status, of_b.requests().len()), (200, 1), "it is made anew");
    assert_eq!(ask(&second, "Hi").header("x-yizhan-cache"), "exact", "what is in memory is given all the same");
    let metrics = second.get("/metrics", Some(KEY)).text;
    assert!(metrics.contains("yizhan_cache_shared_total{result=\"failed\"}"), "{metrics}");
}
