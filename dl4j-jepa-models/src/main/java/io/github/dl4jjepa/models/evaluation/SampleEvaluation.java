package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.MetricsFile;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Lets the model under training answer a sample of questions now and then, and writes a JSON line
 * with the scores each time: {@code step}, {@code examples}, and the task's metrics. Answers have
 * as many tokens as the task allows, or as the model has positions for.
 *
 * <p>Not for use by several threads at once.
 */
public final class SampleEvaluation implements TrainerListener {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final TaskEvaluation evaluation;
    private final List<Example> examples;
    private final long every;
    private final Path file;

    /**
     * @param model the model under training, with its current weights
     * @param task what judges
     * @param examples the sample
     * @param every after how many optimizer steps the sample is answered, 1 or more
     * @param file the file to write
     * @throws JepaException if an example cannot be answered or judged
     */
    public SampleEvaluation(
            ChatModel model, Task task, List<Example> examples, long every, Path file) {
        this.examples = List.copyOf(examples);
        this.every = every;
        this.file = file;
        int longest =
                examples.stream()
                        .mapToInt(example -> model.encodePrompt(example.withoutAnswer(), 1).length)
                        .max()
                        .orElse(0);
        evaluation =
                TaskEvaluation.builder()
                        .setModel(model)
                        .setTask(task)
                        .optMaxNewTokens(
                                Math.min(task.maxNewTokens(), model.maxPositions() - longest))
                        .build();
        evaluation.check(this.examples);
    }

    /** Keeps the lines up to the state's step. */
    @Override
    public void onStart(long totalSteps, TrainerState state) {
        new MetricsFile(file).keepUpTo(state.step());
    }

    @Override
    public void onStep(StepMetrics metrics) {
        if (metrics.step() % every != 0) {
            return;
        }
        Score score = evaluation.run(examples);
        ObjectNode line =
                JSON.createObjectNode()
                        .put("step", metrics.step())
                        .put("examples", score.examples());
        score.shares().forEach((metric, share) -> line.put(metric, share.value()));
        score.measures().forEach((metric, measure) -> line.put(metric, measure.mean()));
        try {
            Files.writeString(
                    file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }
}
