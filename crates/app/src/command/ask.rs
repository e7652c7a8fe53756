//! `yizhan ask`: one question, the answer as it comes, then its citations.
//!
//! It does not know how answers are made.

use crate::cli::{Ask, Global};
use crate::config;
use crate::data::data_folder;
use crate::output::{self, Answer};
use crate::station::{Station, tenant};
use futures_util::StreamExt;
use std::process::ExitCode;
use yizhan_access::Principal;
use yizhan_domain::{Citation, Message, ModelName, Result, Role};
use yizhan_gateway::{Call, Caller};
use yizhan_model::{ChatEvent, ChatRequest};

pub(super) async fn run(global: &Global, command: Ask) -> Result<ExitCode> {
    let mut answer = String::new();
    let show = |delta: &str| {
        if !global.json {
            output::piece(delta);
        }
    };
    let citations: Vec<Citation> = match Station::open(global).await? {
        Station::Here(assembly) => {
            let apps = command.apps.clone().unwrap_or_else(|| data_folder(global).join("apps"));
            let governed = assembly.gateway(global, &apps, &config::load(global)?).await?;
            let gateway = &governed.gateway;
            let messages = vec![Message::text(Role::User, &command.question)];
            let request = ChatRequest { messages, ..ChatRequest::default() };
            let principal = Principal::local(tenant());
            let caller = Caller::new(principal);
            let call = Call::new(caller, ModelName::new(&command.base), request, Default::default());
            let mut reply = gateway.chat(call).await?;
            let mut last = Vec::new();
            while let Some(event) = reply.events.next().await {
                match event? {
                    ChatEvent::Text { delta, .. } => {
                        show(&delta);
                        answer.push_str(&delta);
                    }
                    ChatEvent::Finish { citations, .. } => last = citations,
                    _ => {}
                }
            }
            drop(reply);
            governed.close().await?;
            last
        }
        Station::There(client) => {
            let reply = client.ask(&command.base, &command.question, &mut |delta| {
                show(delta);
                answer.push_str(delta);
            })?;
            reply.citations
        }
    };
    if global.json {
        output::json(&Answer { answer, citations });
    } else {
        output::line("");
        citations.iter().for_each(|one| output::line(output::citation(one)));
    }
    Ok(ExitCode::SUCCESS)
}
