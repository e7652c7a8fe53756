//! Choosing the next token from logits.
//!
//! It does not know the vocabulary's texts. The order of the steps is llama.cpp's: penalties, top-k,
//! top-p, min-p, temperature, draw.

use crate::native::{Grammar, Token};
use yizhan_model::Sampling;

/// How many of the last tokens `repeat_penalty` looks at, as in llama.cpp.
const REPEAT_WINDOW: usize = 64;

/// The state of one answer's choices.
pub(crate) struct Sampler {
    temperature: f32,
    top_k: usize,
    top_p: f32,
    min_p: f32,
    frequency_penalty: f32,
    presence_penalty: f32,
    repeat_penalty: f32,
    random: SplitMix,
    grammar: Option<Grammar>,
    candidates: Vec<(Token, f32)>,
}

impl Sampler {
    /// The defaults are llama.cpp's server's: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05.
    pub(crate) fn new(sampling: &Sampling, grammar: Option<Grammar>) -> Self {
        Self {
            temperature: sampling.temperature.unwrap_or(0.8),
            top_k: sampling.top_k.unwrap_or(40) as usize,
            top_p: sampling.top_p.unwrap_or(0.95),
            min_p: sampling.min_p.unwrap_or(0.05),
            frequency_penalty: sampling.frequency_penalty.unwrap_or(0.0),
            presence_penalty: sampling.presence_penalty.unwrap_or(0.0),
            repeat_penalty: sampling.repeat_penalty.unwrap_or(1.0),
            random: SplitMix(sampling.seed.unwrap_or_else(random_seed)),
            grammar,
            candidates: Vec::new(),
        }
    }

    /// The next token. `history` is prompt and answer, `answer` the part that was generated.
    pub(crate) fn choose(&mut self, logits: &[f32], history: &[Token], answer: &[Token]) -> Option<Token> {
        let token = self.draw(logits, history, answer, false)?;
        let Some(grammar) = &mut self.grammar else { return Some(token) };
        // Checking one token is cheap, restricting the whole vocabulary is not; the model mostly conforms.
        let token = if grammar.allows(token) { token } else { self.draw(logits, history, answer, true)? };
        if let Some(grammar) = &mut self.grammar {
            grammar.accept(token);
        }
        Some(token)
    }

    fn draw(&mut self, logits: &[f32], history: &[Token], answer: &[Token], restrict: bool) -> Option<Token> {
        if self.temperature <= 0.0 && !restrict && !self.has_penalties() {
            return largest(logits);
        }
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        candidates.extend(logits.iter().enumerate().map(|(token, &logit)| (token as Token, logit)));
        if restrict && let Some(grammar) = &mut self.grammar {
            grammar.restrict(&mut candidates);
        }
        self.penalize(&mut candidates, history, answer);
        let token = self.pick(&mut candidates);
        self.candidates = candidates;
        token
    }

    fn has_penalties(&self) -> bool {
        self.frequency_penalty != 0.0 || self.presence_penalty != 0.0 || self.repeat_penalty != 1.0
    }

    /// Candidates are in the order of tokens here.
    fn penalize(&self, candidates: &mut [(Token, f32)], history: &[Token], answer: &[Token]) {
        if self.repeat_penalty > 0.0 && self.repeat_penalty != 1.0 {
            let mut recent = history[history.len().saturating_sub(REPEAT_WINDOW)..].to_vec();
            recent.sort_unstable();
            recent.dedup();
            for token in recent {
                if let Some((_, logit)) = candidates.get_mut(token as usize) {
                    *logit = if *logit > 0.0 { *logit / self.repeat_penalty } else { *logit * self.repeat_penalty };
                }
            }
        }
        if self.frequency_penalty != 0.0 || self.presence_penalty != 0.0 {
            let mut seen = answer.to_vec();
            seen.sort_unstable();
            for run in seen.chunk_by(|a, b| a == b) {
                if let Some((_, logit)) = candidates.get_mut(run[0] as usize) {
                    *logit -= self.frequency_penalty * run.len() as f32 + self.presence_penalty;
                }
            }
        }
    }

    fn pick(&mut self, candidates: &mut [(Token, f32)]) -> Option<Token> {
        let by_logit = |a: &(Token, f32), b: &(Token, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.temperature <= 0.0 {
            return candidates.iter().filter(|c| !c.1.is_nan()).min_by(|a, b| by_logit(a, b)).map(|c| c.0);
        }
        let keep = if self.top_k == 0 { candidates.len() } else { self.top_k.min(candidates.len()) };
        if keep < candidates.len() {
            candidates.select_nth_unstable_by(keep, by_logit);
        }
        let candidates = &mut candidates[..keep];
        candidates.sort_unstable_by(by_logit);
        let best = candidates.first()?.1;
        if !best.is_finite() {
            return None;
        }
        let weights: Vec<f32> = candidates.iter().map(|c| (c.1 - best).exp()).collect();
        let kept = weights.len().min(nucleus(&weights, self.top_p)).min(above_floor(&weights, self.min_p)).max(1);
        let temperature = self.temperature;
        let weights: Vec<f64> =
            candidates[..kept].iter().map(|c| f64::from((c.1 - best) / temperature).exp()).collect();
        let mut rest = self.random.unit() * weights.iter().sum::<f64>();
        for (candidate, weight) in candidates.iter().zip(&weights) {
            rest -= weight;
            if rest < 0.0 {
                return Some(candidate.0);
            }
        }
        candidates.get(kept - 1).map(|c| c.0)
    }
}

fn largest(logits: &[f32]) -> Option<Token> {
    let mut best = None;
    let mut best_logit = f32::NEG_INFINITY;
    for (token, &logit) in logits.iter().enumerate() {
        if logit > best_logit {
            (best, best_logit) = (Some(token as Token), logit);
        }
    }
    best
}

/// How many of the sorted weights make up the share `top_p` of all.
fn nucleus(weights: &[f32], top_p: f32) -> usize {
    if top_p >= 1.0 {
        return weights.len();
    }
    let goal = weights.iter().sum::<f32>() * top_p.max(0.0);
    let mut sum = 0.0;
    weights
        .iter()
        .take_while(|&&weight| {
            let before = sum;
            sum += weight;
            before < goal
        })
        .count()
}

/// How many of the sorted weights, the first of which is 1, are at least `min_p`.
fn above_floor(weights: &[f32], min_p: f32) -> usize {
    weights.iter().take_while(|&&weight| weight >= min_p).count()
}

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, seedable, the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 ≤ x < 1 with 53 random bits.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // The standard library's hasher is keyed by the operating system's random numbers.
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
#[path = "sampling_tests.rs"]
mod tests;
