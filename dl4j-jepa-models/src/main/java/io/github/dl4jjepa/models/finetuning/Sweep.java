package io.github.dl4jjepa.models.finetuning;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.training.NonFiniteLossException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.evaluation.Score;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.TaskEvaluation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Fine-tunes with several settings and seeds, compares the results on the validation data, and
 * scores the winner on the test data, once.
 *
 * <pre>{@code
 * SweepResult result =
 *         Sweep.builder()
 *                 .setFineTuning(
 *                         point ->
 *                                 FineTuning.of("HuggingFaceTB/SmolLM2-135M-Instruct")
 *                                         .setTrain(Path.of("pairs.jsonl"))
 *                                         .optValidation(Path.of("validation.jsonl"))
 *                                         .optObjective(
 *                                                 JepaObjective.cosine(
 *                                                         (double) point.settings().get("lambda"))))
 *                 .setOutput(Path.of("sweep"))
 *                 .optGrid("lambda", List.of(0.0, 0.5, 1.0, 2.0))
 *                 .optSeeds(List.of(82L, 23L, 37L))
 *                 .build()
 *                 .run();
 * }</pre>
 *
 * <p>Each run has its folder below {@code runs}, with {@code result.json} once it is over. {@link
 * #resume} takes over the runs that are, resumes the one that was broken off, and makes the others.
 * A run whose loss diverges is kept and shown as failed; any other fault ends the sweep, which can
 * be resumed.
 *
 * <p>With two seeds or more, each arm is compared with the plain one by a paired t-test: that whose
 * setting {@value #LAMBDA} is 0; of several, the one with the most settings in common.
 *
 * <p>A sweep is made once, by one thread.
 */
public final class Sweep {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private static final String LAMBDA = "lambda";
    private static final String VALIDATION = "validation_";
    private static final String RESULT = "result.json";
    private static final String TEST = "test.json";

    private final Function<Point, FineTuning.Builder> fineTuning;
    private final Path output;
    private final List<Map<String, Object>> arms;
    private final List<Long> seeds;
    private final @Nullable Task task;
    private final int maxNewTokens;
    private final @Nullable Path test;
    private final Consumer<SweepResult.Run> progress;
    private String metric;

    /**
     * What a run differs in from others.
     *
     * @param settings by name
     * @param seed decides order, split and random weights
     * @param output the run's folder
     */
    public record Point(Map<String, Object> settings, long seed, Path output) {}

    private Sweep(Builder builder) {
        fineTuning = builder.fineTuning;
        output = builder.output;
        arms = builder.arms();
        seeds = builder.seeds;
        task = builder.task;
        maxNewTokens = builder.maxNewTokens;
        test = builder.test;
        progress = builder.progress;
        metric = builder.metric == null ? "" : builder.metric;
    }

    /** A sweep to put together. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Makes all runs.
     *
     * @return the runs, compared
     * @throws JepaException if a run cannot be made, or the output folder is not empty
     */
    public SweepResult run() {
        try {
            if (Files.exists(output)) {
                try (Stream<Path> entries = Files.list(output)) {
                    if (entries.findAny().isPresent()) {
                        throw new JepaException(
                                output
                                        + ": the output folder is not empty; name a new one, or"
                                        + " resume the sweep in it");
                    }
                }
            }
        } catch (IOException e) {
            throw new JepaException(output + ": is no folder that can be written to: " + e, e);
        }
        return resume();
    }

    /**
     * Makes the runs that are not over yet. Those that are, and the one that was broken off, must
     * have been begun with the same settings and files. More settings and seeds may be added.
     *
     * @return the runs, compared
     * @throws JepaException if a run cannot be made
     */
    public SweepResult resume() {
        // Settings that cannot be are refused before the first run.
        arms.forEach(arm -> fineTuning(arm, seeds.get(0)));
        List<SweepResult.Arm> found = new ArrayList<>();
        for (Map<String, Object> arm : arms) {
            List<SweepResult.Run> runs = new ArrayList<>();
            for (long seed : seeds) {
                SweepResult.Run run = run(arm, seed);
                requireMetric(run);
                runs.add(run);
                progress.accept(run);
            }
            found.add(new SweepResult.Arm(name(arm), arm, runs, null));
        }
        return result(found);
    }

    private FineTuning fineTuning(Map<String, Object> arm, long seed) {
        FineTuning built =
                fineTuning
                        .apply(new Point(arm, seed, folder(arm, seed)))
                        .setOutput(folder(arm, seed))
                        .optSeed(seed)
                        .build();
        if (!built.hasValidation()) {
            throw new JepaException(
                    "a sweep compares runs on validation data: give validation or validationSplit");
        }
        return built;
    }

    private SweepResult.Run run(Map<String, Object> arm, long seed) {
        FineTuning tuning = fineTuning(arm, seed);
        Path folder = folder(arm, seed);
        String name = folder.getFileName().toString();
        Path file = folder.resolve(RESULT);
        if (Files.exists(file)) {
            tuning.requireBegun();
            return read(file, name, seed, folder);
        }
        long begun = System.nanoTime();
        Map<String, Double> metrics = Map.of();
        String failure = null;
        try {
            FineTuningResult result = RunFolder.hasBegun(folder) ? tuning.resume() : tuning.run();
            metrics = metrics(tuning, result);
        } catch (NonFiniteLossException e) {
            failure = String.valueOf(e.getMessage());
        }
        SweepResult.Run run =
                new SweepResult.Run(
                        name, seed, folder, metrics, failure, (System.nanoTime() - begun) / 1e9);
        ObjectNode json = JSON.createObjectNode();
        json.set("settings", JSON.valueToTree(arm));
        json.put("seed", seed);
        json.set("metrics", JSON.valueToTree(metrics));
        json.put("failure", failure);
        json.put("seconds", run.seconds());
        write(file, json);
        return run;
    }

    private static SweepResult.Run read(Path file, String name, long seed, Path folder) {
        JsonNode json = read(file);
        return new SweepResult.Run(
                name,
                seed,
                folder,
                JSON.convertValue(json.get("metrics"), new TypeReference<>() {}),
                json.path("failure").textValue(),
                json.path("seconds").doubleValue());
    }

    /** What the validation data say of a run. */
    private Map<String, Double> metrics(FineTuning tuning, FineTuningResult result) {
        // A metric of the task has precedence over another of its name.
        Map<String, Double> metrics = new LinkedHashMap<>();
        if (task != null) {
            metrics.putAll(scores(result.output(), tuning.validationExamples()));
        }
        // The last step is always evaluated, if by a process that was killed thereafter.
        lastLine(new RunFolder(result.output()).metrics())
                .properties()
                .forEach(
                        entry -> {
                            if (entry.getKey().startsWith(VALIDATION)
                                    && entry.getValue().isNumber()) {
                                metrics.putIfAbsent(
                                        entry.getKey().substring(VALIDATION.length()),
                                        entry.getValue().doubleValue());
                            }
                        });
        return metrics;
    }

    private static JsonNode lastLine(Path file) {
        try {
            List<String> lines = Files.readAllLines(file);
            return JSON.readTree(lines.get(lines.size() - 1));
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private Map<String, Double> scores(Path model, List<Example> examples) {
        try (ChatModel chat = ChatModel.open(model.toString())) {
            Score score =
                    TaskEvaluation.builder()
                            .setModel(chat)
                            .setTask(Objects.requireNonNull(task))
                            .optMaxNewTokens(maxNewTokens)
                            .build()
                            .run(examples);
            Map<String, Double> scores = new LinkedHashMap<>();
            score.shares().forEach((name, share) -> scores.put(name, share.value()));
            score.measures().forEach((name, measure) -> scores.put(name, measure.mean()));
            return scores;
        }
    }

    /** Settles what the arms are compared by, which the first run tells. */
    private void requireMetric(SweepResult.Run run) {
        if (run.failure() != null) {
            return;
        }
        if (metric.isEmpty()) {
            metric = run.metrics().keySet().iterator().next();
        }
        if (!run.metrics().containsKey(metric)) {
            throw new JepaException(
                    run.name()
                            + ": has no metric '"
                            + metric
                            + "' among those of the validation data: "
                            + String.join(", ", run.metrics().keySet()));
        }
    }

    private SweepResult result(List<SweepResult.Arm> found) {
        boolean largerIsBetter = !metric.endsWith("loss");
        List<SweepResult.Arm> compared = compared(found);
        Comparator<SweepResult.Arm> byMean =
                Comparator.comparingDouble(arm -> arm.mean(metric).orElseThrow());
        SweepResult.Arm winner =
                compared.stream()
                        .filter(SweepResult.Arm::succeeded)
                        .min(largerIsBetter ? byMean.reversed() : byMean)
                        .orElseThrow(
                                () ->
                                        new JepaException(
                                                output
                                                        + ": each arm has a run that failed; the first: "
                                                        + firstFailure(found)));
        return new SweepResult(
                metric,
                largerIsBetter,
                compared,
                (int) compared.stream().filter(arm -> arm.versusPlain() != null).count(),
                winner,
                test == null ? null : test(winner));
    }

    private static String firstFailure(List<SweepResult.Arm> found) {
        return found.stream()
                .flatMap(arm -> arm.runs().stream())
                .filter(run -> run.failure() != null)
                .map(run -> run.name() + ": " + run.failure())
                .findFirst()
                .orElseThrow();
    }

    /** The arms with their comparisons with the plain one. */
    private List<SweepResult.Arm> compared(List<SweepResult.Arm> found) {
        List<SweepResult.Arm> arms = new ArrayList<>(found);
        List<Integer> tested = new ArrayList<>();
        List<SweepResult.Comparison> tests = new ArrayList<>();
        for (int i = 0; i < arms.size() && seeds.size() > 1; i++) {
            SweepResult.Arm arm = arms.get(i);
            Optional<SweepResult.Arm> plain = isPlain(arm) ? Optional.empty() : plain(arm, arms);
            if (plain.isPresent() && arm.succeeded() && plain.get().succeeded()) {
                double[] values = values(arm);
                double[] others = values(plain.get());
                double difference =
                        arm.mean(metric).orElseThrow() - plain.get().mean(metric).orElseThrow();
                double p = PairedTest.p(values, others);
                tested.add(i);
                tests.add(new SweepResult.Comparison(plain.get().name(), difference, p, p));
            }
        }
        double[] adjusted =
                PairedTest.holm(tests.stream().mapToDouble(SweepResult.Comparison::p).toArray());
        for (int i = 0; i < adjusted.length; i++) {
            SweepResult.Arm arm = arms.get(tested.get(i));
            SweepResult.Comparison one = tests.get(i);
            arms.set(
                    tested.get(i),
                    new SweepResult.Arm(
                            arm.name(),
                            arm.settings(),
                            arm.runs(),
                            new SweepResult.Comparison(
                                    one.plain(), one.difference(), one.p(), adjusted[i])));
        }
        return arms;
    }

    private double[] values(SweepResult.Arm arm) {
        return arm.runs().stream().mapToDouble(run -> run.value(metric)).toArray();
    }

    private static boolean isPlain(SweepResult.Arm arm) {
        Object lambda = arm.settings().get(LAMBDA);
        try {
            return lambda != null && Double.parseDouble(lambda.toString()) == 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** The plain arm that has the most settings in common with another. */
    private static Optional<SweepResult.Arm> plain(
            SweepResult.Arm arm, List<SweepResult.Arm> arms) {
        return arms.stream()
                .filter(Sweep::isPlain)
                .max(
                        Comparator.comparingLong(
                                plain ->
                                        plain.settings().entrySet().stream()
                                                .filter(arm.settings().entrySet()::contains)
                                                .count()));
    }

    /** Scores the winner, unless the test data were used before. */
    private Map<String, List<Double>> test(SweepResult.Arm winner) {
        Path file = output.resolve(TEST);
        if (Files.exists(file)) {
            JsonNode before = read(file);
            if (!before.path("winner").asText().equals(winner.name())) {
                throw new JepaException(
                        file
                                + ": the test data have judged "
                                + before.path("winner").asText()
                                + " already, and are used once, but now "
                                + winner.name()
                                + " is best. Choose by the validation data, or give other test data in"
                                + " another folder");
            }
            return JSON.convertValue(before.get("scores"), new TypeReference<>() {});
        }
        List<Example> examples =
                Objects.requireNonNull(task).examples(Objects.requireNonNull(test)).readAll();
        Map<String, List<Double>> scores = new LinkedHashMap<>();
        for (SweepResult.Run run : winner.runs()) {
            scores(run.output(), examples)
                    .forEach(
                            (name, value) ->
                                    scores.computeIfAbsent(name, key -> new ArrayList<>())
                                            .add(value));
        }
        ObjectNode json = JSON.createObjectNode();
        json.put("winner", winner.name());
        json.set("scores", JSON.valueToTree(scores));
        write(file, json);
        return scores;
    }

    private Path folder(Map<String, Object> arm, long seed) {
        String name = name(arm);
        return output.resolve("runs").resolve((name.isEmpty() ? "" : name + "_") + "seed=" + seed);
    }

    /** Settings as a folder's name. */
    private static String name(Map<String, Object> arm) {
        List<String> words = new ArrayList<>();
        arm.forEach((name, value) -> words.add(name + "=" + value));
        return String.join("_", words).replaceAll("[^\\w.=+-]", "-");
    }

    private static JsonNode read(Path file) {
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static void write(Path file, JsonNode json) {
        Path whole = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            Files.writeString(whole, JSON.writeValueAsString(json) + "\n");
            Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("settings that JSON cannot hold: " + json, e);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be written: " + e, e);
        }
    }

    /** Puts a {@link Sweep} together: what is {@code set} is required. */
    public static final class Builder {
        private Function<Point, FineTuning.Builder> fineTuning;
        private Path output;
        private final Map<String, List<?>> grid = new LinkedHashMap<>();
        private final List<Map<String, Object>> also = new ArrayList<>();
        private List<Long> seeds = List.of(FineTuning.Builder.DEFAULT_SEED);
        private @Nullable Task task;
        private int maxNewTokens;
        private @Nullable String metric;
        private @Nullable Path test;
        private Consumer<SweepResult.Run> progress = run -> {};

        @SuppressWarnings("NullAway.Init") // what is required is set before build()
        private Builder() {}

        /**
         * Sets what makes the runs.
         *
         * @param fineTuning begins a fine-tuning; its output folder and {@link
         *     FineTuning.Builder#optSeed} are set by the sweep
         */
        public Builder setFineTuning(Function<Point, FineTuning.Builder> fineTuning) {
            this.fineTuning = Objects.requireNonNull(fineTuning, "fineTuning");
            return this;
        }

        /**
         * Sets the folder of the sweep.
         *
         * @param folder a new or empty folder, or that of the sweep to resume
         */
        public Builder setOutput(Path folder) {
            output = Objects.requireNonNull(folder, "folder");
            return this;
        }

        /**
         * Adds an axis of the grid, whose points are all combinations of its axes' values (default:
         * no grid).
         *
         * @param name the setting
         * @param values its values, one or more
         */
        public Builder optGrid(String name, List<?> values) {
            require(!values.isEmpty(), "the axis " + name + " has no values");
            grid.put(name, List.copyOf(values));
            return this;
        }

        /**
         * Adds settings besides the grid (default: none).
         *
         * @param settings by name
         */
        public Builder optAlso(Map<String, ?> settings) {
            also.add(Collections.unmodifiableMap(new LinkedHashMap<>(settings)));
            return this;
        }

        /**
         * Sets the seeds that each arm is run with (default: {@value
         * FineTuning.Builder#DEFAULT_SEED} alone). A validation split depends on the seed: the arms
         * are compared on the same examples, seed by seed.
         *
         * @param seeds one or more
         */
        public Builder optSeeds(List<Long> seeds) {
            require(
                    !seeds.isEmpty() && seeds.stream().distinct().count() == seeds.size(),
                    "the seeds must be different ones, not " + seeds);
            this.seeds = List.copyOf(seeds);
            return this;
        }

        /**
         * Lets each trained model answer the validation examples (default: no task; models are
         * compared by their losses).
         *
         * @param task judges the answers
         */
        public Builder optTask(@Nullable Task task) {
            this.task = task;
            return this;
        }

        /**
         * Sets the most tokens of an answer (default: the task's own number).
         *
         * @param tokens 0 for the default
         */
        public Builder optMaxNewTokens(int tokens) {
            require(tokens >= 0, "the most tokens of an answer must be 0 or more, not " + tokens);
            maxNewTokens = tokens;
            return this;
        }

        /**
         * Sets what the arms are compared by (default: the task's first metric, or else {@code
         * lm_loss}).
         *
         * @param metric a metric of the task, {@code lm_loss}, {@code jepa_loss}, {@code loss}, or
         *     one of {@link io.github.dl4jjepa.core.diagnostics.ViewDiagnostics#values}; always of
         *     the validation data after the last step. Of one whose name ends in {@code loss} less
         *     is better, of any other more; null for the default
         */
        public Builder optMetric(@Nullable String metric) {
            this.metric = metric;
            return this;
        }

        /**
         * Scores the winner by the task on test data (default: none), once: the scores are kept in
         * {@code test.json}, and no other arm is scored after them.
         *
         * @param file examples of the task
         */
        public Builder optTest(@Nullable Path file) {
            test = file;
            return this;
        }

        /**
         * Sets who is told of each run that is over (default: nobody).
         *
         * @param progress called in the order of the runs
         */
        public Builder optProgress(Consumer<SweepResult.Run> progress) {
            this.progress = Objects.requireNonNull(progress, "progress");
            return this;
        }

        /**
         * The sweep, which has not begun.
         *
         * @throws IllegalStateException if something required is not set
         */
        public Sweep build() {
            if (fineTuning == null || output == null) {
                throw new IllegalStateException("setFineTuning and setOutput are required");
            }
            require(test == null || task != null, "test data need a task that judges the answers");
            List<Map<String, Object>> arms = arms();
            require(!arms.isEmpty(), "there is nothing to compare: give a grid or settings");
            require(
                    arms.stream().map(Sweep::name).distinct().count() == arms.size(),
                    "the settings "
                            + arms
                            + " are not all different; leave out those that occur twice");
            return new Sweep(this);
        }

        private List<Map<String, Object>> arms() {
            List<Map<String, Object>> points = new ArrayList<>(List.of(Map.of()));
            grid.forEach(
                    (name, values) -> {
                        List<Map<String, Object>> more = new ArrayList<>();
                        for (Map<String, Object> point : points) {
                            for (Object value : values) {
                                Map<String, Object> next = new LinkedHashMap<>(point);
                                next.put(name, value);
                                more.add(Collections.unmodifiableMap(next));
                            }
                        }
                        points.clear();
                        points.addAll(more);
                    });
            if (grid.isEmpty()) {
                points.clear();
            }
            points.addAll(also);
            return points;
        }

        private static void require(boolean condition, String message) {
            if (!condition) {
                throw new IllegalArgumentException(message);
            }
        }
    }
}
