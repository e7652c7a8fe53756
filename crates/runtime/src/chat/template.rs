//! A model's chat template (Jinja, from its file): a conversation becomes the prompt that it was trained on.
//!
//! It does not know tokens. What a user writes cannot forge a turn: see [`SpecialTexts`].

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, context};
use serde_json::json;
use yizhan_domain::{Error, ErrorCode, Message, Result};

/// Used when the file has none; the form that most small models know.
const CHATML: &str = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}\
{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const NAME: &str = "chat_template";

/// A compiled template.
pub(crate) struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    thinks: bool,
}

impl ChatTemplate {
    /// Compiles the template of a model file.
    pub(crate) fn new(source: Option<String>, bos: String, eos: String) -> Result<Self> {
        let source = source.unwrap_or_else(|| CHATML.to_owned());
        // Hugging Face's marks for training; they say nothing here.
        let source = source.replace("{% generation %}", "").replace("{% endgeneration %}", "");
        let thinks = source.contains("</think>");
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| Error::internal(error.to_string()))?);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        let added = environment.add_template_owned(NAME, source);
        added.map_err(|error| {
            let message = format!("The model's chat template cannot be read ({error:#}). Choose another model.");
            Error::new(ErrorCode::ModelUnavailable, message)
        })?;
        Ok(Self { environment, bos, eos, thinks })
    }

    /// Whether the model marks its reasoning.
    pub(crate) fn thinks(&self) -> bool {
        self.thinks
    }

    /// The text that the model begins with; the tokenizer must not add it again.
    pub(crate) fn bos(&self) -> &str {
        &self.bos
    }

    /// The prompt, ending where the model's answer begins.
    pub(crate) fn render(&self, messages: &[Message], tools: &[serde_json::Value]) -> Result<String> {
        let messages: Vec<Value> = messages.iter().map(|message| Value::from(Serde(message_value(message)))).collect();
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(Serde(tools)) };
        let template = self.environment.get_template(NAME).map_err(|error| refused(&error))?;
        let context = context! {
            messages => messages,
            tools => tools,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            add_generation_prompt => true,
        };
        template.render(context).map_err(|error| refused(&error))
    }
}

/// A template refuses conversations that it was not made for, e.g. two user turns in a row.
fn refused(error: &minijinja::Error) -> Error {
    let why = error.detail().map_or_else(|| error.to_string(), str::to_owned);
    Error::invalid("messages", format!("The model's chat template does not take this conversation ({why})."))
}

fn message_value(message: &Message) -> serde_json::Value {
    let mut value = json!({"role": message.role.as_str(), "content": message.content.text()});
    if !message.tool_calls.is_empty() {
        let calls = message.tool_calls.iter().map(|call| {
            // Templates print the arguments as JSON, so they must be a value here, not a text.
            let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
            json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        });
        value["tool_calls"] = calls.collect();
    }
    if let Some(id) = &message.tool_call_id {
        value["tool_call_id"] = json!(id);
    }
    value
}

fn raise_exception(message: String) -> std::result::Result<Value, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

/// Python's `json.dumps` as Hugging Face's templates call it: no escapes for HTML or for other scripts.
fn tojson(value: Value, options: Kwargs) -> std::result::Result<Value, minijinja::Error> {
    let indent: Option<usize> = options.get("indent")?;
    // `ensure_ascii` and `separators` change nothing that a model could see here.
    let failed = |error: serde_json::Error| minijinja::Error::new(ErrorKind::InvalidOperation, error.to_string());
    let mut text = Vec::new();
    match indent {
        Some(width) => {
            let indent = " ".repeat(width.min(16));
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
            serde::Serialize::serialize(&value, &mut serializer).map_err(failed)?;
        }
        None => {
            let mut serializer = serde_json::Serializer::with_formatter(&mut text, PythonFormatter);
            serde::Serialize::serialize(&value, &mut serializer).map_err(failed)?;
        }
    }
    Ok(Value::from_safe_string(String::from_utf8_lossy(&text).into_owned()))
}

/// `", "` and `": "` between items, as Python writes JSON on one line.
struct PythonFormatter;

impl serde_json::ser::Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

/// Today, in UTC, by the few directives that templates use.
fn strftime_now(format: String) -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    strftime(&format, seconds)
}

fn strftime(format: &str, seconds: u64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    let (year, month, day) = civil_date(seconds / 86_400);
    let (month_name, day_name) = (MONTHS[month - 1], DAYS[(seconds / 86_400 % 7) as usize]);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('Y') => text.push_str(&year.to_string()),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('b') => text.push_str(&month_name[..3]),
            Some('B') => text.push_str(month_name),
            Some('a') => text.push_str(&day_name[..3]),
            Some('A') => text.push_str(day_name),
            Some('H') => text.push_str(&format!("{hour:02}")),
            Some('M') => text.push_str(&format!("{minute:02}")),
            Some('S') => text.push_str(&format!("{second:02}")),
            Some('%') => text.push('%'),
            Some(other) => text.extend(['%', other]),
            None => text.push('%'),
        }
    }
    text
}

/// Year, month (from 1) and day of a number of days since 1970-01-01, by Howard Hinnant's `civil_from_days`.
fn civil_date(days: u64) -> (u64, usize, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month as usize, day)
}

/// Texts that the tokenizer would read as control tokens. Where a user writes one (`<|im_end|>`), a private
/// character is put inside before rendering; the prompt is cut there before tokenizing, so that the text
/// stays the same and no control token comes out of it.
pub(crate) struct SpecialTexts(Vec<String>);

/// In Unicode's private use area, without a meaning to any model.
const CUT: char = '\u{f8fe}';

impl SpecialTexts {
    /// The texts of the model's control tokens.
    pub(crate) fn new(texts: Vec<String>) -> Self {
        Self(texts)
    }

    /// Puts the cuts into a text from outside.
    pub(crate) fn disarm(&self, text: &str) -> String {
        let mut text = text.replace(CUT, "");
        for special in &self.0 {
            if text.contains(special.as_str()) {
                let first = special.chars().next().map_or(0, char::len_utf8);
                text = text.replace(special.as_str(), &format!("{}{CUT}{}", &special[..first], &special[first..]));
            }
        }
        text
    }

    /// The pieces of a rendered prompt, to be tokenized one by one.
    pub(crate) fn pieces(prompt: &str) -> impl Iterator<Item = &str> {
        prompt.split(CUT)
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
