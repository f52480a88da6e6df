package io.github.dl4jjepa.models.generation;

import io.github.dl4jjepa.core.internal.SeededRandom;
import io.github.dl4jjepa.models.decoder.CachedDecoder;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Continues prompts, several at once: a row leaves when it is done, and the next prompt takes its
 * place. What is generated for a prompt does not depend on the others.
 *
 * <p>The memory for keys and values is allocated at the first call and grows only if a later one
 * needs more. Holds native memory; close it. Not for use by several threads at once.
 */
public final class Generator implements AutoCloseable {
    private final TransformerDecoder decoder;
    private final Function<int[], String> text;
    private @Nullable CachedDecoder cached;
    private int capacity;

    /**
     * A generator without stop strings.
     *
     * @param decoder the model to generate with
     */
    public Generator(TransformerDecoder decoder) {
        this(
                decoder,
                ids -> {
                    throw new IllegalArgumentException(
                            "stop strings need a generator that is given the tokenizer's decode");
                });
    }

    /**
     * @param decoder the model to generate with
     * @param text makes text of new tokens, for {@link GenerationOptions#stopStrings()}
     */
    public Generator(TransformerDecoder decoder, Function<int[], String> text) {
        this.decoder = decoder;
        this.text = text;
    }

    /** A prompt that is being continued. */
    private static final class Row {
        private final int prompt;
        private final int promptLength;
        private final int[] ids;
        private final Random random;
        private int length;

        Row(int prompt, int[] ids, GenerationOptions options) {
            this.prompt = prompt;
            this.promptLength = ids.length;
            this.length = ids.length;
            this.ids = Arrays.copyOf(ids, ids.length + options.maxNewTokens());
            random = SeededRandom.of(options.seed(), SeededRandom.Use.GENERATION, prompt);
        }

        int[] newIds() {
            return Arrays.copyOfRange(ids, promptLength, length);
        }
    }

    /**
     * Continues prompts.
     *
     * @param prompts token ids, one array a prompt; none empty
     * @param options how tokens are chosen, and when a generation ends
     * @return one generation a prompt, in their order
     * @throws IllegalArgumentException if a prompt and its new tokens exceed the model's positions
     */
    public List<Generation> generate(List<int[]> prompts, GenerationOptions options) {
        return generate(prompts, options, (prompt, ids) -> {});
    }

    /**
     * Continues prompts and tells of each new token.
     *
     * @param prompts token ids, one array a prompt; none empty
     * @param options how tokens are chosen, and when a generation ends
     * @param listener hears of each new token, in the calling thread
     * @return one generation a prompt, in their order
     * @throws IllegalArgumentException if a prompt and its new tokens exceed the model's positions
     */
    public List<Generation> generate(
            List<int[]> prompts, GenerationOptions options, TokenListener listener) {
        prompts.forEach(prompt -> requireRoom(prompt.length, options.maxNewTokens()));
        int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(1);
        CachedDecoder cached =
                allocated(
                        Math.min(options.batchSize(), Math.max(1, prompts.size())),
                        longest + options.maxNewTokens());
        List<LogitsProcessor> processors = LogitsProcessors.of(options);
        Generation[] generations = new Generation[prompts.size()];
        Deque<Row> waiting = new ArrayDeque<>();
        for (int i = 0; i < generations.length; i++) {
            waiting.add(new Row(i, prompts.get(i), options));
        }
        List<Row> rows = new ArrayList<>();
        while (!waiting.isEmpty() || !rows.isEmpty()) {
            admit(cached, waiting, rows);
            for (int slot = rows.size() - 1; slot >= 0; slot--) {
                Row row = rows.get(slot);
                Generation.@Nullable FinishReason reason =
                        choose(row, cached.logits(slot), options, processors);
                if (reason != Generation.FinishReason.END_TOKEN) {
                    listener.onToken(row.prompt, row.newIds());
                }
                if (reason != null) {
                    generations[row.prompt] = new Generation(row.newIds(), reason);
                    int last = rows.size() - 1;
                    cached.move(last, slot);
                    rows.set(slot, rows.get(last));
                    rows.remove(last);
                }
            }
            if (!rows.isEmpty()) {
                cached.next(rows.stream().mapToInt(row -> row.ids[row.length - 1]).toArray());
            }
        }
        return List.of(generations);
    }

    private void requireRoom(int promptLength, int maxNewTokens) {
        int positions = decoder.config().maxPositions();
        if (promptLength == 0) {
            throw new IllegalArgumentException("a prompt has no tokens");
        }
        if (promptLength + maxNewTokens > positions) {
            throw new IllegalArgumentException(
                    "a prompt of "
                            + promptLength
                            + " tokens and "
                            + maxNewTokens
                            + " new ones exceed the model's "
                            + positions
                            + " positions");
        }
    }

    private CachedDecoder allocated(int slots, int tokens) {
        CachedDecoder held = cached;
        if (held != null && held.slots() >= slots && capacity >= tokens) {
            return held;
        }
        capacity = Math.max(capacity, tokens);
        int most = held == null ? slots : Math.max(slots, held.slots());
        close();
        CachedDecoder larger = new CachedDecoder(decoder, most, capacity);
        cached = larger;
        return larger;
    }

    /** Reads as many of the waiting prompts as there are free slots. */
    private static void admit(CachedDecoder cached, Deque<Row> waiting, List<Row> rows) {
        List<int[]> admitted = new ArrayList<>();
        int first = rows.size();
        while (!waiting.isEmpty() && rows.size() < cached.slots()) {
            Row row = waiting.remove();
            rows.add(row);
            admitted.add(Arrays.copyOf(row.ids, row.length));
        }
        if (!admitted.isEmpty()) {
            cached.read(first, admitted);
        }
    }

    /** Chooses the next token of a row; the reason if it is the last, or null. */
    private Generation.@Nullable FinishReason choose(
            Row row, float[] logits, GenerationOptions options, List<LogitsProcessor> processors) {
        processors.forEach(
                processor -> processor.process(row.ids, row.promptLength, row.length, logits));
        int id = options.sampled() ? draw(logits, row.random) : LogitsProcessors.best(logits);
        if (options.endTokenIds().contains(id)) {
            return Generation.FinishReason.END_TOKEN;
        }
        row.ids[row.length] = id;
        row.length++;
        if (!options.stopStrings().isEmpty()) {
            String written = text.apply(row.newIds());
            if (options.stopStrings().stream().anyMatch(written::contains)) {
                return Generation.FinishReason.STOP_STRING;
            }
        }
        return row.length == row.ids.length ? Generation.FinishReason.LENGTH : null;
    }

    /** Draws a token by its probability. */
    private static int draw(float[] logits, Random random) {
        double[] probabilities = LogitsProcessors.probabilities(logits);
        double rest = random.nextDouble();
        int drawn = -1;
        for (int i = 0; i < probabilities.length && rest >= 0; i++) {
            if (probabilities[i] > 0) {
                drawn = i;
                rest -= probabilities[i];
            }
        }
        return drawn;
    }

    @Override
    public void close() {
        if (cached != null) {
            cached.close();
            cached = null;
        }
    }
}
