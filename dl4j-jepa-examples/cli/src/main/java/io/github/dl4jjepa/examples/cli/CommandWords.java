package io.github.dl4jjepa.examples.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * The words of a command line, with those of its settings file.
 *
 * <p>The words of the file come after the command's name. An option of the command line takes the
 * place of the file's, and of those that exclude it. A run that is resumed has the settings that it
 * saved, unless the command line names a file.
 */
final class CommandWords {
    private final String[] words;
    private final @Nullable SettingsFile file;
    private final List<SettingsFile.Entry> taken;

    private CommandWords(
            String[] words, @Nullable SettingsFile file, List<SettingsFile.Entry> taken) {
        this.words = words;
        this.file = file;
        this.taken = taken;
    }

    /**
     * Adds the words of a settings file to those of a command line.
     *
     * @throws ParameterException if the file has what the command does not take
     * @throws io.github.dl4jjepa.core.JepaException if the file cannot be read
     */
    static CommandWords of(CommandLine jepa, String... words) {
        CommandLine command = jepa;
        int first = 0;
        while (first < words.length) {
            CommandLine sub = command.getSubcommands().get(words[first]);
            if (sub != null) {
                command = sub;
            } else if (!words[first].startsWith("-")) {
                break;
            } else if (command != jepa) {
                break;
            }
            first++;
        }
        if (!command.getCommandSpec().optionsMap().containsKey(SettingsMixin.OPTION)) {
            return new CommandWords(words, null, List.of());
        }
        Map<OptionSpec, String> given = given(command, words, first);
        Optional<Path> file = file(command, given);
        if (file.isEmpty()) {
            return new CommandWords(words, null, List.of());
        }
        SettingsFile settings = SettingsFile.read(file.get(), command);
        List<SettingsFile.Entry> taken =
                settings.entries().stream()
                        .filter(
                                entry ->
                                        given.keySet().stream()
                                                .noneMatch(
                                                        option -> replaces(option, entry.option())))
                        .toList();
        List<String> all = new ArrayList<>(List.of(words).subList(0, first));
        taken.forEach(entry -> all.addAll(entry.arguments()));
        all.addAll(List.of(words).subList(first, words.length));
        return new CommandWords(all.toArray(String[]::new), settings, taken);
    }

    /** The words that picocli reads. */
    String[] words() {
        return words.clone();
    }

    /** The place of an option in the settings file, if its value is from there. */
    Optional<String> place(ParameterException exception) {
        return taken.stream()
                .filter(entry -> entry.option().equals(exception.getArgSpec()))
                .findFirst()
                .map(entry -> Objects.requireNonNull(file).place(entry));
    }

    /** The options among the words from a certain one on, with their last value. */
    private static Map<OptionSpec, String> given(CommandLine command, String[] words, int from) {
        Map<OptionSpec, String> given = new LinkedHashMap<>();
        for (int i = from; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            String name = equals < 0 ? words[i] : words[i].substring(0, equals);
            OptionSpec option = command.getCommandSpec().optionsMap().get(name);
            if (option == null) {
                continue;
            }
            String value = words[i].substring(equals + 1);
            if (equals < 0 && option.arity().min() > 0 && i + 1 < words.length) {
                value = words[++i];
            }
            given.put(option, value);
        }
        return given;
    }

    private static Optional<Path> file(CommandLine command, Map<OptionSpec, String> given) {
        Map<String, OptionSpec> options = command.getCommandSpec().optionsMap();
        String named = given.get(options.get(SettingsMixin.OPTION));
        if (named != null) {
            return Optional.of(JepaCommand.path(named));
        }
        OptionSpec output = Objects.requireNonNull(options.get("--output"));
        String folder = given.get(output);
        if (folder == null || !given.containsKey(options.get("--resume"))) {
            return Optional.empty();
        }
        return Optional.of(SettingsMixin.saved(output, JepaCommand.path(folder)))
                .filter(Files::exists);
    }

    private static boolean replaces(OptionSpec given, OptionSpec inFile) {
        return given.equals(inFile)
                || (given.group() != null
                        && given.group().exclusive()
                        && given.group().equals(inFile.group()));
    }
}
