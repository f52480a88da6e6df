package io.github.dl4jjepa.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The page docs/cli.md, and what it would show: an option that has two meanings. */
class CliReferenceTest {
    private static final Path PAGE = Path.of("../../docs/cli.md");

    @Test
    void thePageIsThatOfTheCode() throws IOException {
        Path current = Files.writeString(Path.of("target/cli.md"), page());

        assertThat(PAGE)
                .as("generated from the options; cp dl4j-jepa-examples/cli/%s docs/cli.md", current)
                .hasSameTextualContentAs(current);
    }

    @Test
    void anOptionTakesTheSameInAllCommands() {
        Map<String, Map<String, List<String>>> options = new TreeMap<>();
        for (CommandSpec command : commands()) {
            for (OptionSpec option : command.options()) {
                options.computeIfAbsent(option.longestName(), name -> new LinkedHashMap<>())
                        .computeIfAbsent(
                                option.paramLabel() + " " + type(option), kind -> new ArrayList<>())
                        .add(command.qualifiedName());
            }
        }
        // The trained model is a folder, predictions are a file. FILE or DIR is what they say.
        options.remove("--output");

        assertThat(options).allSatisfy((name, kinds) -> assertThat(kinds).hasSize(1));
    }

    /** The type, be it primitive or, where there is no default, its wrapper. */
    private static String type(OptionSpec option) {
        String type = option.typeInfo().getClassSimpleName();
        return type.equals("Integer") ? "int" : type.toLowerCase(Locale.ROOT);
    }

    private static List<CommandSpec> commands() {
        List<CommandSpec> commands = new ArrayList<>();
        collect(JepaCommand.commandLine(), commands);
        return commands;
    }

    private static void collect(CommandLine command, List<CommandSpec> commands) {
        commands.add(command.getCommandSpec());
        command.getSubcommands().values().stream()
                .filter(sub -> !(sub.getCommand() instanceof HelpCommand))
                .forEach(sub -> collect(sub, commands));
    }

    private static String page() {
        StringBuilder page = new StringBuilder();
        page.append(
                """
                # Command line

                Generated from the code: `CliReferenceTest` fails when this page is not that of the options. Each command has `--help`
                and `--version`; `--verbose` prints the stack trace of an error.

                """);
        for (CommandSpec command : commands()) {
            boolean isWhole = command.parent() == null;
            page.append(isWhole ? "" : "## " + command.qualifiedName() + "\n\n");
            for (String line : command.usageMessage().description()) {
                page.append(text(command, line)).append('\n');
            }
            page.append('\n');
            List<OptionSpec> options =
                    command.options().stream()
                            .filter(option -> !isCommon(option.longestName()))
                            .sorted(
                                    Comparator.comparing((OptionSpec option) -> !isRequired(option))
                                            .thenComparing(OptionSpec::longestName))
                            .toList();
            if (!options.isEmpty()) {
                page.append("| option | meaning | default |\n|---|---|---|\n");
                options.forEach(option -> page.append(row(command, option)));
                page.append('\n');
            }
            if (command.usageMessage().footer().length > 0) {
                page.append(isWhole ? "" : "```bash\n");
                for (String line : command.usageMessage().footer()) {
                    page.append(String.format(Locale.ROOT, line).strip()).append('\n');
                }
                page.append(isWhole ? "\n" : "```\n\n");
            }
        }
        return page.toString().stripTrailing() + "\n";
    }

    private static boolean isCommon(String option) {
        return List.of("--help", "--version", "--verbose").contains(option);
    }

    /** Of options that exclude each other, picocli says that one is required. */
    private static boolean isRequired(OptionSpec option) {
        return option.required() && option.group() == null;
    }

    private static String row(CommandSpec command, OptionSpec option) {
        String names = String.join(", ", option.names());
        String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
        List<String> description = new ArrayList<>();
        for (String line : option.description()) {
            description.add(
                    text(command, line.replace("${COMPLETION-CANDIDATES}", candidates(option))));
        }
        String value = option.defaultValueString();
        boolean hasDefault =
                option.arity().max() > 0
                        && value != null
                        && !value.equals("null")
                        && !value.equals("[]")
                        && !value.equals("{}")
                        && option.showDefaultValue() != CommandLine.Help.Visibility.NEVER;
        return "| `"
                + (names + label).replace("|", "\\|")
                + "` | "
                + String.join(" ", description).replace("|", "\\|")
                + " | "
                + (isRequired(option) ? "required" : hasDefault ? "`" + value + "`" : "")
                + " |\n";
    }

    private static String candidates(OptionSpec option) {
        List<String> candidates = new ArrayList<>();
        if (option.completionCandidates() != null) {
            option.completionCandidates().forEach(candidates::add);
        }
        return String.join(", ", candidates);
    }

    private static String text(CommandSpec command, String line) {
        assertThat(line).as(command.qualifiedName()).doesNotContain("${");
        return String.format(Locale.ROOT, line).replace("<", "&lt;");
    }
}
