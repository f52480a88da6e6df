package io.github.dl4jjepa.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.finetuning.TrainingFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options from a file, and the file that keeps those of a run. */
final class SettingsMixin {
    static final String OPTION = "--settings";

    private static final String NAME = "run.yaml";
    private static final YAMLMapper YAML =
            YAMLMapper.builder()
                    .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
                    .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
                    .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
                    .build();

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(
            names = OPTION,
            paramLabel = "FILE",
            description =
                    "A YAML or JSON file with options of this command, by their names without dashes:"
                            + " max-steps: 300. An option of the command line takes the place of"
                            + " the file's.")
    @SuppressWarnings("UnusedVariable") // CommandWords has read it
    private @Nullable Path file;

    /** Where the settings of a run with a certain output are saved. */
    static Path saved(OptionSpec option, Path output) {
        if (option.paramLabel().equals("DIR")) {
            return output.resolve(NAME);
        }
        String name = Objects.requireNonNull(output.getFileName()).toString();
        int end = name.lastIndexOf('.');
        return output.resolveSibling((end > 0 ? name.substring(0, end) : name) + "." + NAME);
    }

    /**
     * Saves all options as they are, for a call that repeats the run.
     *
     * @param output what {@code --output} says
     * @throws JepaException if the file cannot be written
     */
    void save(Path output) {
        // The command's own; the mixee of a mixin within a mixin is the mixin.
        CommandSpec whole = command.commandLine().getCommandSpec();
        Path saved = saved(Objects.requireNonNull(whole.findOption("--output")), output);
        String text =
                "# jepa "
                        + whole.name()
                        + " --settings "
                        + saved.getFileName()
                        + " --output NEW repeats the run.\n"
                        + yaml(whole);
        Path unfinished = saved.resolveSibling(saved.getFileName() + ".tmp");
        try {
            Files.writeString(unfinished, text);
            Files.move(unfinished, saved, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new JepaException(saved + ": cannot be written: " + e, e);
        }
    }

    private static String yaml(CommandSpec command) {
        // A sweep's runs are of finetune, without jepa above it.
        NamedFiles files =
                command.root().userObject() instanceof JepaCommand jepa
                        ? jepa.files()
                        : NamedFiles.PATHS;
        Map<String, Object> settings = new LinkedHashMap<>();
        for (OptionSpec option : command.options()) {
            Object value = option.getValue();
            boolean excludesOthers = option.group() != null && option.group().exclusive();
            if (SettingsFile.OF_THE_CALL.contains(option.longestName())
                    || value == null
                    || (excludesOthers
                            && !command.commandLine().getParseResult().hasMatchedOption(option))) {
                continue;
            }
            settings.put(option.longestName().substring(2), plain(option, value, files));
        }
        try {
            return YAML.writeValueAsString(settings);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A value as YAML has it, files by their name or their absolute path. */
    private static Object plain(OptionSpec option, Object value, NamedFiles files) {
        if (value instanceof List<?> list) {
            return list.stream().map(element -> plain(option, element, files)).toList();
        }
        if (value instanceof Map<?, ?> map) {
            Map<String, Object> plain = new LinkedHashMap<>();
            map.forEach((key, element) -> plain.put(key.toString(), plain(option, element, files)));
            return plain;
        }
        if (value instanceof Path path) {
            return name(path, files);
        }
        if (value instanceof TrainingFile train) {
            return TrainingFileConverter.text(name(train.file(), files), train.weight());
        }
        if (value instanceof Number || value instanceof Boolean) {
            return value;
        }
        boolean canBeAFile =
                option.paramLabel().contains("DIR") || option.paramLabel().contains("FILE");
        return canBeAFile && isFile(value.toString())
                ? name(Path.of(value.toString()), files)
                : value.toString();
    }

    private static String name(Path path, NamedFiles files) {
        return files.name(path.toAbsolutePath().normalize());
    }

    private static boolean isFile(String text) {
        try {
            return Files.exists(Path.of(text));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
