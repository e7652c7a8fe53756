//! The server over scripted models and a store in memory, for trying clients against:
//! `cargo run --example scripted -- 127.0.0.1:8099`. The key is `sk-test-0123456789abcdef`, the
//! models are `scripted-chat`, which repeats what it is told, and `scripted-embed`.

#[path = "../tests/support/mod.rs"]
mod support;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8099".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    let state = support::Scripted::new().state(yizhan_server::Settings::default()).await;
    #[allow(clippy::print_stdout, reason = "whoever started it waits for this line")]
    {
        println!("ready http://{}", listener.local_addr()?);
    }
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    Ok(yizhan_server::serve(listener, state, shutdown).await?)
}
