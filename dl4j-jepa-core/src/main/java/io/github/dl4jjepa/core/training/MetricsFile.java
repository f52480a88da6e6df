package io.github.dl4jjepa.core.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.internal.StepLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a JSON line per optimizer step: {@code step, epoch, lm_loss, jepa_loss, loss, lambda,
 * learning_rate, grad_norm, tokens, padded_tokens, flops, seconds}, on a step that changed nothing
 * {@code skipped}, and after an evaluation also {@code validation_lm_loss, validation_jepa_loss,
 * validation_loss} and, where the views are looked at, what {@link
 * io.github.dl4jjepa.core.diagnostics.ViewDiagnostics#values} names. A JEPA loss is null where no
 * views were compared, any number where it is not finite; {@code padded_tokens} counts padding in,
 * {@code tokens} does not.
 *
 * <p>Each line reaches the file before the next step begins. A run that goes on from a checkpoint
 * first removes the lines of later steps, which it will take again, and a last line cut off in
 * mid-write: the file then reads as if the run had never been interrupted.
 *
 * <p>Not for use by several threads at once.
 */
public final class MetricsFile implements TrainerListener {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;
    private final StepLines lines;

    /**
     * @param file the file to write, {@code metrics.jsonl} in a run's output folder; the folder
     *     must be there
     */
    public MetricsFile(Path file) {
        this.file = file;
        lines = new StepLines(file);
    }

    /**
     * Keeps the lines up to the state's step.
     *
     * @throws JepaException if a line other than the last is not a step's, or the file cannot be
     *     written
     */
    @Override
    public void onStart(long totalSteps, TrainerState state) {
        keepUpTo(state.step());
    }

    /**
     * Removes the lines of later steps, and a last line cut off in mid-write.
     *
     * @param step the last step that is kept; 0 for none
     * @throws JepaException if a line other than the last is not a step's, or the file cannot be
     *     written
     */
    public void keepUpTo(long step) {
        lines.keep(all -> linesUpTo(step, all));
    }

    @Override
    public void onStep(StepMetrics metrics) {
        lines.append(line(metrics).toString());
    }

    /**
     * Writes the line of an iteration of Deeplearning4j's {@code fit}: {@code step, epoch, lm_loss,
     * jepa_loss, loss, lambda, learning_rate, seconds}; null is what is not known.
     *
     * @param step the iteration, from 1
     * @param epoch epochs done
     * @param losses the losses of the iteration's batch, before its update
     * @param lambda the weight of the JEPA term
     * @param learningRate the learning rate; NaN where there is none
     * @param seconds wall-clock time since the iteration before
     * @throws JepaException if the file cannot be written
     */
    public void onIteration(
            long step,
            int epoch,
            MeanLosses losses,
            double lambda,
            double learningRate,
            double seconds) {
        ObjectNode line = JSON.createObjectNode().put("step", step).put("epoch", epoch);
        putLosses(line, "", losses);
        line.put("lambda", lambda)
                .put("learning_rate", finite(learningRate))
                .put("seconds", seconds);
        lines.append(line.toString());
    }

    private List<String> linesUpTo(long step, List<String> lines) {
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            JsonNode stepOfLine = parse(lines.get(i)).path("step");
            if (!stepOfLine.isIntegralNumber() && i < lines.size() - 1) {
                throw new JepaException(
                        file
                                + ", line "
                                + (i + 1)
                                + " is not the metrics of a step: remove the file, or put the"
                                + " run's own back");
            }
            if (stepOfLine.isIntegralNumber() && stepOfLine.longValue() <= step) {
                kept.add(lines.get(i));
            }
        }
        return kept;
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            return JSON.missingNode();
        }
    }

    private static ObjectNode line(StepMetrics metrics) {
        ObjectNode line = JSON.createObjectNode().put("step", metrics.step());
        metrics.values()
                .forEach(
                        (name, value) -> {
                            if (value instanceof Long count) {
                                line.put(name, count);
                            } else {
                                line.put(name, finite(value.doubleValue()));
                            }
                        });
        return metrics.skipped() ? line.put("skipped", true) : line;
    }

    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static void putLosses(ObjectNode line, String prefix, MeanLosses losses) {
        line.put(prefix + "lm_loss", finite(losses.languageModel()))
                .put(prefix + "jepa_loss", finite(losses.jepa()))
                .put(prefix + "loss", finite(losses.total()));
    }
}
