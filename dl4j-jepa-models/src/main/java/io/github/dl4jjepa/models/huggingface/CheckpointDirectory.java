package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.IoFailures;
import io.github.dl4jjepa.core.training.CheckpointStore;
import io.github.dl4jjepa.core.training.StepMetrics;
import io.github.dl4jjepa.core.training.TrainerState;
import io.github.dl4jjepa.models.safetensors.Dtype;
import io.github.dl4jjepa.models.safetensors.SafetensorsCheckpoint;
import io.github.dl4jjepa.models.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checkpoints of a run as Hugging Face folders side by side.
 *
 * <pre>
 * checkpoints/
 *   checkpoints.json          {"last": "step-000040", "best": "step-000020"}
 *   step-000020/              config.json, tokenizer.json, model.safetensors, … as exported
 *   step-000040/                and optimizer.safetensors, trainer_state.json
 * </pre>
 *
 * <p>A checkpoint is written under another name, forced to the disk and renamed; only then does
 * {@code checkpoints.json} change, and only then are older checkpoints removed. What cannot be
 * written whole is removed again. At whatever point a run is killed, {@code checkpoints.json} names
 * whole checkpoints, and the next {@link #save} clears what was left behind.
 *
 * <p>Not for use by several threads at once.
 */
public final class CheckpointDirectory implements CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointDirectory.class);

    private static final String POINTER = "checkpoints.json";
    static final String OPTIMIZER = "optimizer.safetensors";
    private static final String STATE = "trainer_state.json";
    private static final String BEST_VALUE = "best_value";

    /** A step's folder; the second number tells checkpoints of one step apart. */
    private static final Pattern NAME = Pattern.compile("step-(\\d{6,18})(?:-(\\d{1,9}))?");

    private final Path root;
    private final ModelWriter writer;
    private final int kept;

    /**
     * A directory for one run; nothing is written before the first checkpoint.
     *
     * @param root the folder of the checkpoints, whose parent must be there
     * @param writer writes each; weights are always float32
     * @param kept how many of the last checkpoints are kept, 1 or more; the best one is kept as
     *     well
     */
    public CheckpointDirectory(Path root, ModelWriter writer, int kept) {
        if (kept < 1) {
            throw new IllegalArgumentException(
                    "the last checkpoint must be kept: 1 or more, not " + kept);
        }
        this.root = root;
        this.writer = writer;
        this.kept = kept;
    }

    /** The checkpoints with a name; {@code best} is null before the first validation. */
    private record Kept(@Nullable String last, @Nullable String best) {}

    /**
     * The last checkpoint, which transformers can load too.
     *
     * @return empty where there is no checkpoint yet
     * @throws JepaException if it is gone
     */
    public Optional<CheckpointFolder> last() {
        return kept().map(kept -> CheckpointFolder.open(root.resolve(kept.last())));
    }

    /**
     * The best checkpoint by the metric that the run was told to go by.
     *
     * @return empty before the first validation
     */
    public Optional<CheckpointFolder> best() {
        return kept().flatMap(kept -> Optional.ofNullable(kept.best()))
                .map(best -> CheckpointFolder.open(root.resolve(best)));
    }

    @Override
    public void save(
            TrainerState state,
            Map<String, INDArray> parameters,
            Map<String, INDArray> optimizerState) {
        Optional<Kept> before = kept();
        try {
            if (!Files.isDirectory(root)) {
                Files.createDirectory(root);
            }
            removeAllBut(before.orElse(new Kept(null, null)));
        } catch (IOException e) {
            throw unwritten(state, before, e);
        }
        String name = vacantName(state.step());
        Path partial = root.resolve(name + DurableFiles.PARTIAL);
        try {
            Files.createDirectory(partial);
            writer.write(parameters, Dtype.F32, partial);
            SafetensorsWriter.writeFile(partial.resolve(OPTIMIZER), optimizerState, Dtype.F32);
            DurableFiles.create(partial.resolve(STATE), JsonFiles.toBytes(toJson(state)));
            DurableFiles.publish(partial, root.resolve(name));

            boolean isBest = state.step() == state.bestStep();
            Kept after = new Kept(name, isBest ? name : before.map(Kept::best).orElse(null));
            ObjectNode pointer = JsonFiles.newObject().put("last", after.last());
            if (after.best() != null) {
                pointer.put("best", after.best());
            }
            DurableFiles.replace(root.resolve(POINTER), JsonFiles.toBytes(pointer));
            removeAllBut(after);
        } catch (IOException | JepaException e) {
            throw unwritten(state, before, e);
        } finally {
            DurableFiles.discard(partial);
        }
    }

    private JepaException unwritten(TrainerState state, Optional<Kept> before, Exception cause) {
        Throwable reason = cause.getCause() instanceof IOException e ? e : cause;
        String rest =
                before.map(Kept::last)
                        .filter(this::exists)
                        .map(last -> last + " is whole: mend the cause and resume from it.")
                        .orElse("There is no checkpoint before it.");
        return new JepaException(
                String.format(
                        Locale.ROOT,
                        "%s: the checkpoint of step %d cannot be written: %s. %s",
                        root,
                        state.step(),
                        reason instanceof IOException e
                                ? IoFailures.describe(e)
                                : cause.getMessage(),
                        rest),
                cause);
    }

    /** A checkpoint may be saved again at the same step without touching the first. */
    private String vacantName(long step) {
        String name = name(step);
        String vacant = name;
        for (int i = 2; Files.exists(root.resolve(vacant)); i++) {
            vacant = name + "-" + i;
        }
        return vacant;
    }

    private static String name(long step) {
        return String.format(Locale.ROOT, "step-%06d", step);
    }

    private void removeAllBut(Kept named) throws IOException {
        List<String> names = names();
        Set<String> stay = new HashSet<>(upTo(named.last(), names));
        if (named.best() != null) {
            stay.add(named.best());
        }
        for (String name : names) {
            boolean ours =
                    name.endsWith(DurableFiles.PARTIAL)
                            ? isCheckpoint(name.substring(0, name.lastIndexOf('.')))
                            : isCheckpoint(name) && !stay.contains(name);
            if (ours) {
                try {
                    DurableFiles.delete(root.resolve(name));
                } catch (IOException e) {
                    LOG.warn("{} is no longer needed but cannot be removed", name, e);
                }
            }
        }
    }

    /** The last checkpoint, and those before it that are kept. */
    private List<String> upTo(@Nullable String last, List<String> names) {
        if (last == null) {
            return List.of();
        }
        List<String> until =
                names.stream()
                        .filter(CheckpointDirectory::isCheckpoint)
                        .filter(name -> inTime().compare(name, last) <= 0)
                        .sorted(inTime())
                        .toList();
        return until.subList(Math.max(0, until.size() - kept), until.size());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(root)) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }

    private static boolean isCheckpoint(String name) {
        return NAME.matcher(name).matches();
    }

    @Override
    public Optional<TrainerState> restoreLast(
            Map<String, INDArray> parameters, Map<String, INDArray> optimizerState) {
        Optional<Kept> kept = kept();
        if (kept.isEmpty()) {
            return Optional.empty();
        }
        Path folder = root.resolve(kept.get().last());
        try {
            TrainerState state = readState(folder.resolve(STATE));
            SafetensorsCheckpoint weights = writer.weights(folder);
            SafetensorsCheckpoint optimizer = SafetensorsCheckpoint.open(folder.resolve(OPTIMIZER));
            checkAgreement(folder, weights, parameters);
            checkAgreement(folder.resolve(OPTIMIZER), optimizer, optimizerState);
            parameters.forEach(weights::readInto);
            optimizerState.forEach(optimizer::readInto);
            return Optional.of(state);
        } catch (JepaException e) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: this checkpoint cannot be resumed. %s To go on from another,"
                                    + " make it the \"last\" of %s; to begin anew, remove %s.",
                            folder,
                            e.getMessage(),
                            root.resolve(POINTER),
                            root),
                    e);
        }
    }

    private static void checkAgreement(
            Path file, SafetensorsCheckpoint saved, Map<String, INDArray> arrays) {
        for (String name : saved.tensors().keySet()) {
            if (!arrays.containsKey(name)) {
                throw ofAnotherRun(file, name, "is not of this run");
            }
        }
        arrays.forEach(
                (name, array) -> {
                    SafetensorsCheckpoint.TensorInfo tensor = saved.tensors().get(name);
                    if (tensor == null) {
                        throw ofAnotherRun(file, name, "is missing");
                    }
                    if (!Arrays.equals(tensor.dimensions(), array.shape())) {
                        throw ofAnotherRun(
                                file,
                                name,
                                "has shape "
                                        + tensor.shape()
                                        + ", here it is "
                                        + Arrays.toString(array.shape()));
                    }
                    if (tensor.dtype() != Dtype.F32) {
                        throw ofAnotherRun(file, name, "is " + tensor.dtype() + ", not F32");
                    }
                });
    }

    private static JepaException ofAnotherRun(Path file, String tensor, String what) {
        return new JepaException(
                String.format(
                        Locale.ROOT,
                        "%s: tensor \"%s\" %s: the checkpoint is of another model or other"
                                + " settings.",
                        file,
                        tensor,
                        what));
    }

    /** What {@code checkpoints.json} says; without it, the checkpoint of the latest step. */
    private Optional<Kept> kept() {
        Path file = root.resolve(POINTER);
        if (!Files.exists(file)) {
            return latest();
        }
        String remedy = "Remove the file to go on from the checkpoint of the latest step.";
        ObjectNode pointer = JsonFiles.read(file, remedy);
        String last = pointer.path("last").asText();
        if (!exists(last)) {
            throw new JepaException(
                    String.format(
                            Locale.ROOT,
                            "%s: the last checkpoint, \"%s\", is not in this folder. %s",
                            file,
                            last,
                            remedy));
        }
        String best = pointer.path("best").asText();
        return Optional.of(new Kept(last, exists(best) ? best : null));
    }

    private Optional<Kept> latest() {
        if (!Files.isDirectory(root)) {
            return Optional.empty();
        }
        try {
            return names().stream()
                    .filter(this::exists)
                    .max(inTime())
                    .map(last -> new Kept(last, bestBefore(last)));
        } catch (IOException e) {
            throw new JepaException(root + ": cannot be read: " + e, e);
        }
    }

    private static Comparator<String> inTime() {
        return Comparator.<String>comparingLong(name -> number(name, 1))
                .thenComparingLong(name -> number(name, 2));
    }

    private static long number(String name, int group) {
        Matcher matcher = NAME.matcher(name);
        return matcher.matches() && matcher.group(group) != null
                ? Long.parseLong(matcher.group(group))
                : 0;
    }

    private @Nullable String bestBefore(String last) {
        String best = name(readState(root.resolve(last).resolve(STATE)).bestStep());
        return exists(best) ? best : null;
    }

    private boolean exists(String name) {
        return isCheckpoint(name) && Files.isDirectory(root.resolve(name));
    }

    private static ObjectNode toJson(TrainerState state) {
        ObjectNode json =
                JsonFiles.newObject()
                        .put("step", state.step())
                        .put("epoch", state.epoch())
                        .put("batch", state.batch())
                        .put("best_step", state.bestStep())
                        .put("tokens", state.cost().tokens())
                        .put("padded_tokens", state.cost().paddedTokens())
                        .put("flops", state.cost().flops())
                        .put("seconds", state.cost().seconds())
                        .put("lambda", state.lambda())
                        .put("evaluations_since_best", state.evaluationsSinceBest())
                        .put("skipped_steps", state.skippedSteps());
        if (state.bestValue() == Double.POSITIVE_INFINITY) {
            return json.putNull(BEST_VALUE);
        }
        return json.put(BEST_VALUE, state.bestValue());
    }

    private static TrainerState readState(Path file) {
        ObjectNode json = JsonFiles.read(file, "The checkpoint is damaged.");
        if (json.has("best_loss")) {
            // A checkpoint of release 0.1.0.
            json.set(BEST_VALUE, json.get("best_loss"));
            json.put("evaluations_since_best", 0).put("skipped_steps", 0);
        }
        JsonNode bestValue = json.path(BEST_VALUE);
        if (!bestValue.isNull() && !bestValue.isNumber()) {
            throw damaged(file, BEST_VALUE);
        }
        return new TrainerState(
                count(file, json, "step", Long.MAX_VALUE),
                (int) count(file, json, "epoch", Integer.MAX_VALUE),
                (int) count(file, json, "batch", Integer.MAX_VALUE),
                count(file, json, "best_step", Long.MAX_VALUE),
                bestValue.isNull() ? Double.POSITIVE_INFINITY : bestValue.doubleValue(),
                (int) count(file, json, "evaluations_since_best", Integer.MAX_VALUE),
                new StepMetrics.Cost(
                        count(file, json, "tokens", Long.MAX_VALUE),
                        count(file, json, "padded_tokens", Long.MAX_VALUE),
                        amount(file, json, "flops"),
                        amount(file, json, "seconds")),
                amount(file, json, "lambda"),
                count(file, json, "skipped_steps", Long.MAX_VALUE));
    }

    private static double amount(Path file, ObjectNode json, String key) {
        JsonNode value = json.path(key);
        if (!value.isNumber() || value.doubleValue() < 0) {
            throw damaged(file, key);
        }
        return value.doubleValue();
    }

    private static long count(Path file, ObjectNode json, String key, long most) {
        JsonNode value = json.path(key);
        boolean valid = value.isIntegralNumber() && value.canConvertToLong();
        if (!valid || value.longValue() < 0 || value.longValue() > most) {
            throw damaged(file, key);
        }
        return value.longValue();
    }

    private static JepaException damaged(Path file, String key) {
        return new JepaException(
                file + ": \"" + key + "\" is missing or not a number. The checkpoint is damaged.");
    }
}
