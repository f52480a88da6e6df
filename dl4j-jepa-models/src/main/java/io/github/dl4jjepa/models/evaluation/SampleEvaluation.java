package io.github.dl4jjepa.models.evaluation;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.MetricsFile;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerListener;
import io.github.dl4jjepa.core.training.TrainerListener.Samples;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.core.training.internal.StepLines;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets the model under training answer a sample of questions now and then, and writes a JSON line
 * with the scores each time: {@code step}, {@code examples}, the task's metrics, and the first
 * {@value #SHOWN} answers. Answers have as many tokens as the task allows, or as the model has
 * positions for.
 *
 * <p>Not for use by several threads at once.
 */
public final class SampleEvaluation implements TrainerListener {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** So many answers are kept as text. */
    private static final int SHOWN = 4;

    private final TaskEvaluation evaluation;
    private final List<Example> examples;
    private final long every;
    private final List<TrainerListener> listeners;
    private final Path file;
    private final StepLines lines;

    /**
     * @param model the model under training, with its current weights
     * @param task what judges
     * @param examples the sample
     * @param every after how many optimizer steps the sample is answered, 1 or more
     * @param file the file to write
     * @param listeners told of the answers
     * @throws JepaException if an example cannot be answered or judged
     */
    public SampleEvaluation(
            ChatModel model,
            Task task,
            List<Example> examples,
            long every,
            Path file,
            List<TrainerListener> listeners) {
        this.examples = List.copyOf(examples);
        this.every = every;
        this.file = file;
        this.listeners = List.copyOf(listeners);
        lines = new StepLines(file);
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
        List<Task.Outcome> outcomes = evaluation.outcomes(examples);
        Samples samples = samples(metrics.step(), outcomes);
        lines.append(line(samples).toString());
        listeners.forEach(listener -> listener.onSamples(samples));
    }

    private Samples samples(long step, List<Task.Outcome> outcomes) {
        Score score = evaluation.score(examples, outcomes);
        Map<String, Double> scores = new LinkedHashMap<>();
        score.shares().forEach((metric, share) -> scores.put(metric, share.value()));
        score.measures().forEach((metric, measure) -> scores.put(metric, measure.mean()));
        List<Samples.Answer> answers = new ArrayList<>();
        for (int i = 0; i < Math.min(SHOWN, examples.size()); i++) {
            answers.add(
                    new Samples.Answer(
                            Answers.question(examples.get(i)),
                            outcomes.get(i).prediction(),
                            Answers.gold(examples.get(i))));
        }
        return new Samples(step, scores, answers);
    }

    private ObjectNode line(Samples samples) {
        ObjectNode line =
                JSON.createObjectNode()
                        .put("step", samples.step())
                        .put("examples", examples.size());
        samples.scores().forEach(line::put);
        line.set("answers", JSON.valueToTree(samples.answers()));
        return line;
    }
}
