package io.github.dl4jjepa.models.generation;

import io.github.dl4jjepa.models.decoder.CachedDecoder;
import io.github.dl4jjepa.models.decoder.TransformerDecoder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Greedy generation: at every step the token with the largest logit, for a batch of prompts at
 * once.
 *
 * <p>Not for use by several threads at once.
 */
public final class GreedyGenerator implements AutoCloseable {
    private final CachedDecoder decoder;
    private final int maxPositions;

    /**
     * @param decoder the model to generate with
     */
    public GreedyGenerator(TransformerDecoder decoder) {
        this.decoder = new CachedDecoder(decoder);
        this.maxPositions = decoder.config().maxPositions();
    }

    /**
     * What followed a prompt.
     *
     * @param ids the new tokens, without the one that stopped it
     * @param stopped whether it ended with a stop token; otherwise it reached the largest length
     */
    public record Generation(int[] ids, boolean stopped) {}

    /**
     * Continues prompts.
     *
     * @param prompts token ids, one array a prompt; none empty
     * @param maxNewTokens the largest number of new tokens a prompt
     * @param stopTokens token ids that end a generation
     * @return one generation a prompt, in their order
     */
    public List<Generation> generate(
            List<int[]> prompts, int maxNewTokens, Collection<Integer> stopTokens) {
        for (int[] prompt : prompts) {
            if (prompt.length + maxNewTokens > maxPositions) {
                throw new IllegalArgumentException(
                        "a prompt of "
                                + prompt.length
                                + " tokens and "
                                + maxNewTokens
                                + " new ones exceed the model's "
                                + maxPositions
                                + " positions");
            }
        }
        Set<Integer> stops = Set.copyOf(stopTokens);
        List<List<Integer>> generated = new ArrayList<>();
        prompts.forEach(prompt -> generated.add(new ArrayList<>()));
        boolean[] stopped = new boolean[prompts.size()];
        int running = prompts.size();

        INDArray logits = decoder.read(prompts);
        for (int step = 0; ; step++) {
            int[] best = best(logits);
            for (int row = 0; row < best.length; row++) {
                if (stopped[row]) {
                    continue;
                }
                if (stops.contains(best[row])) {
                    stopped[row] = true;
                    running--;
                } else {
                    generated.get(row).add(best[row]);
                }
            }
            if (running == 0 || step + 1 == maxNewTokens) {
                break;
            }
            logits = decoder.read(best);
        }
        List<Generation> generations = new ArrayList<>();
        for (int row = 0; row < stopped.length; row++) {
            int[] ids = generated.get(row).stream().mapToInt(Integer::intValue).toArray();
            generations.add(new Generation(ids, stopped[row]));
        }
        return generations;
    }

    private static int[] best(INDArray logits) {
        try (INDArray best = logits.argMax(1)) {
            return best.toIntVector();
        } finally {
            logits.close();
        }
    }

    @Override
    public void close() {
        decoder.close();
    }
}
