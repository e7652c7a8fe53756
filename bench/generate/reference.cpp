// What llama.cpp itself needs for the work that main.rs gives to a worker: K sequences with a prompt of
// P tokens each, then N tokens each, greedily, all in one batch per step.
//
// Usage: reference MODEL THREADS, then lines "K P N" on standard input. For each it prints
// "generated-tokens cpu-seconds wall-seconds".

#include "llama.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

static double cpu_seconds() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

static void add(llama_batch & batch, llama_token token, int position, int sequence, bool output) {
    const int at = batch.n_tokens++;
    batch.token[at] = token;
    batch.pos[at] = position;
    batch.n_seq_id[at] = 1;
    batch.seq_id[at][0] = sequence;
    batch.logits[at] = output;
}

static void decode(llama_context * context, const llama_batch & batch) {
    if (llama_decode(context, batch) != 0) {
        fprintf(stderr, "llama_decode failed\n");
        exit(1);
    }
}

int main(int argc, char ** argv) {
    if (argc != 3) {
        return 2;
    }
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    llama_backend_init();
    llama_model * model = llama_model_load_from_file(argv[1], llama_model_default_params());
    if (!model) {
        fprintf(stderr, "cannot load %s\n", argv[1]);
        return 1;
    }
    const llama_vocab * vocab = llama_model_get_vocab(model);
    const int n_vocab = llama_vocab_n_tokens(vocab);
    const int batch_size = 512;

    int sequences, prompt, length;
    while (scanf("%d %d %d", &sequences, &prompt, &length) == 3) {
        llama_context_params params = llama_context_default_params();
        // A cache of its own for each sequence: the faster of llama.cpp's two arrangements for separate prompts.
        params.n_ctx = sequences * (prompt + length + 256);
        params.n_batch = batch_size;
        params.n_ubatch = batch_size;
        params.n_seq_max = sequences;
        params.n_threads = params.n_threads_batch = atoi(argv[2]);
        llama_context * context = llama_init_from_model(model, params);
        llama_batch batch = llama_batch_init(batch_size, 0, 1);
        std::vector<llama_token> next(sequences);
        srand(1);

        // The first batch pages the weights in.
        add(batch, 1000, 0, 0, true);
        decode(context, batch);
        llama_memory_clear(llama_get_memory(context), true);

        const double cpu = cpu_seconds(), wall = wall_seconds();
        std::vector<std::pair<int, int>> outputs; // index in the batch, sequence
        auto flush = [&] {
            decode(context, batch);
            for (auto [index, sequence] : outputs) {
                const float * logits = llama_get_logits_ith(context, index);
                next[sequence] = std::max_element(logits, logits + n_vocab) - logits;
            }
            outputs.clear();
            batch.n_tokens = 0;
        };
        batch.n_tokens = 0;
        for (int sequence = 0; sequence < sequences; sequence++) {
            for (int position = 0; position < prompt; position++) {
                const bool last = position + 1 == prompt;
                if (last) {
                    outputs.push_back({ batch.n_tokens, sequence });
                }
                add(batch, 1000 + rand() % 20000, position, sequence, last);
                if (batch.n_tokens == batch_size) {
                    flush();
                }
            }
        }
        if (batch.n_tokens > 0) {
            flush();
        }
        for (int step = 1; step < length; step++) {
            for (int sequence = 0; sequence < sequences; sequence++) {
                outputs.push_back({ batch.n_tokens, sequence });
                add(batch, next[sequence], prompt + step - 1, sequence, true);
            }
            flush();
        }
        printf("%d %.6f %.6f\n", sequences * length, cpu_seconds() - cpu, wall_seconds() - wall);
        fflush(stdout);
        llama_batch_free(batch);
        llama_free(context);
    }
    llama_model_free(model);
    return 0;
}
