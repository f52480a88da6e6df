package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.RootCause;
import io.github.dl4jjepa.core.objective.DistanceKind;
import io.github.dl4jjepa.models.chat.ChatReplica;
import io.github.dl4jjepa.models.evaluation.OutcomeSource;
import io.github.dl4jjepa.models.finetuning.FineTuning;
import io.github.dl4jjepa.models.internal.NativeAllocator;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line {@code jepa}. */
@Command(
        name = "jepa",
        description = "Trains language models with LLM-JEPA (arXiv 2509.14252) in Deeplearning4j.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            QuickstartCommand.class,
            FinetuneCommand.class,
            PretrainCommand.class,
            SweepCommand.class,
            EvaluateCommand.class,
            AnalyzeCommand.class,
            GenerateCommand.class,
            ChatCommand.class,
            MergeCommand.class,
            InspectCommand.class,
            VerifyCommand.class,
            BenchmarkCommand.class,
            GenerateCompletion.class,
            HelpCommand.class
        },
        footerHeading =
                "%nEach command prints one JSON object as its last line of standard output.%n",
        footer = {
            "Progress and the log go to standard error. Both are UTF-8.",
            "An argument @FILE stands for the words in a file.",
            "Exit codes: 0 all went well, 1 it failed, 2 it was called wrongly, 130 or 143 SIGINT or"
                    + " SIGTERM stopped it."
        })
public final class JepaCommand implements Runnable {
    private static final Pattern SECOND_WORD = Pattern.compile("-(\\p{Lower})");

    @Spec private CommandSpec spec;

    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Print the stack trace of an error.")
    private boolean verbose;

    private NamedFiles files = NamedFiles.PATHS;

    JepaCommand() {}

    /** Reads the names of files on the command line and in settings files. */
    NamedFiles files() {
        return files;
    }

    /**
     * Runs a command and ends the process with its exit code.
     *
     * @param args the command and its options
     */
    public static void main(String[] args) {
        System.exit(run(onConsole(), args));
    }

    /**
     * Runs {@code jepa finetune} with gradients that are computed elsewhere.
     *
     * @param gradients what computes them
     * @param options an object with further options of the command, as picocli reads them
     * @param files reads the names of files
     * @param args the command's options
     * @return the exit code
     */
    public static int finetune(
            FineTuning.GradientSources gradients,
            Object options,
            NamedFiles files,
            String... args) {
        CommandLine jepa = onConsole();
        CommandLine finetune = Objects.requireNonNull(jepa.getSubcommands().get("finetune"));
        finetune.getCommandSpec().addMixin("gradients", CommandSpec.forAnnotatedObject(options));
        ((FinetuneCommand) finetune.getCommand()).setGradients(gradients);
        return run(jepa, "finetune", files, args);
    }

    /**
     * Runs {@code jepa evaluate} with a model that answers elsewhere.
     *
     * @param outcomes makes what lets the model answer
     * @param files reads the names of files
     * @param args the command's options
     * @return the exit code
     */
    public static int evaluate(
            Function<ChatReplica, OutcomeSource> outcomes, NamedFiles files, String... args) {
        CommandLine jepa = onConsole();
        CommandLine evaluate = Objects.requireNonNull(jepa.getSubcommands().get("evaluate"));
        ((EvaluateCommand) evaluate.getCommand()).setOutcomes(outcomes);
        return run(jepa, "evaluate", files, args);
    }

    private static int run(CommandLine jepa, String command, NamedFiles files, String... args) {
        ((JepaCommand) jepa.getCommand()).files = files;
        return run(jepa, Stream.concat(Stream.of(command), Stream.of(args)).toArray(String[]::new));
    }

    /** The command line with the streams of this process, which is made ready for ND4J. */
    private static CommandLine onConsole() {
        PrintStream errors =
                new PrintStream(
                        new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
        System.setErr(errors);
        // Whatever a library prints must not come between the results.
        System.setOut(errors);
        NativeCaches.choose();
        OpenMpSettings.waitPassively();
        OpenBlasSettings.chooseKernels();
        NativeAllocator.returnLargeArrays();
        PrintWriter results =
                new PrintWriter(
                        new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        return commandLine()
                .setOut(results)
                .setErr(new PrintWriter(errors, true, StandardCharsets.UTF_8));
    }

    /** Without a command there is nothing to do. */
    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing command");
    }

    /** The command line with all its commands. */
    static CommandLine commandLine() {
        return configured(
                new CommandLine(new JepaCommand()).setCaseInsensitiveEnumValuesAllowed(true));
    }

    /**
     * Gives all commands the same help, output and errors.
     *
     * @param jepa a {@link JepaCommand} with its commands
     */
    static CommandLine configured(CommandLine jepa) {
        style(jepa);
        return jepa.setExpandAtFiles(false)
                .setDefaultValueProvider(JepaCommand::shortNumber)
                .registerConverter(Path.class, JepaCommand::path)
                .registerConverter(DistanceKind.class, JepaCommand::distance)
                .setExecutionStrategy(JepaCommand::printResult)
                .setParameterExceptionHandler(
                        (exception, arguments) -> reportWrongUsage(exception, Optional.empty()))
                .setExecutionExceptionHandler(
                        (exception, command, parsed) -> reportFailure(jepa, command, exception))
                .setUsageHelpAutoWidth(true);
    }

    /** Accepts the spelling of release 0.1.0 too, with picocli's own message for any other. */
    private static DistanceKind distance(String name) {
        try {
            return DistanceKind.named(name);
        } catch (IllegalArgumentException e) {
            throw new CommandLine.TypeConversionException(
                    "expected one of "
                            + Arrays.toString(DistanceKind.values())
                            + " (case-insensitive) but was '"
                            + name
                            + "'");
        }
    }

    /** Runs a command; returns its exit code. */
    static int run(CommandLine jepa, String... args) {
        NamedFiles files = ((JepaCommand) jepa.getCommand()).files;
        try {
            String[] typed = ArgumentFiles.expand(Arguments.restore(args));
            CommandWords words = CommandWords.of(jepa, local(files, typed));
            jepa.setParameterExceptionHandler(
                    (exception, arguments) -> reportWrongUsage(exception, words.place(exception)));
            return jepa.execute(local(files, words.words()));
        } catch (ParameterException e) {
            return reportWrongUsage(e, Optional.empty());
        } catch (JepaException | Error e) {
            // picocli hands exceptions to its handler and lets errors pass, such as those of native
            // libraries that cannot be loaded.
            return reportFailure(jepa, jepa, e);
        }
    }

    private static String[] local(NamedFiles files, String... words) {
        return Arrays.stream(words).map(files::local).toArray(String[]::new);
    }

    /**
     * Writes the number that an option's field is initialized with as a user would: {@code 2e-5} in
     * place of {@code 2.0E-5}, {@code 1} in place of {@code 1.0}.
     *
     * @return the number, or null for picocli to use what it knows
     */
    private static @Nullable String shortNumber(ArgSpec option) {
        // A default would choose an option from its group. It would also make a required option
        // optional: the field of one is a Double, which begins as null.
        if (option.defaultValue() != null
                || option.group() != null
                || !(option.initialValue() instanceof Double)) {
            return null;
        }
        return option.initialValue().toString().replaceFirst("\\.0(?=E|$)", "").replace('E', 'e');
    }

    static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new TypeConversionException(Arguments.describe(e));
        }
    }

    private static void style(CommandLine commandLine) {
        if (commandLine.getCommand() instanceof GenerateCompletion) {
            commandLine
                    .getCommandSpec()
                    .usageMessage()
                    .description(
                            "Prints a script that lets bash or zsh complete commands, options and values.")
                    .footerHeading("%nExample, for this session:%n")
                    .footer("  source <(jepa generate-completion)");
        }
        commandLine
                .getCommandSpec()
                .mixinStandardHelpOptions(true)
                .versionProvider(new VersionProvider())
                .usageMessage()
                .showDefaultValues(true)
                .sortOptions(false)
                .abbreviateSynopsis(true);
        commandLine.getSubcommands().values().forEach(JepaCommand::style);
    }

    private static int printResult(ParseResult parsed) {
        int exitCode = new RunLast().execute(parsed);
        List<CommandLine> commands = parsed.asCommandLineList();
        CommandLine last = commands.get(commands.size() - 1);
        Object result = last.getExecutionResult();
        if (result != null) {
            last.getOut().println(JsonOutput.line(result));
        }
        return exitCode;
    }

    /**
     * @param place where the wrong option stands, if in a settings file
     */
    private static int reportWrongUsage(ParameterException thrown, Optional<String> place) {
        List<String> unmatched = thrown.getCommandLine().getUnmatchedArguments();
        // picocli names what is missing first, which may be what was misspelt.
        ParameterException exception =
                thrown instanceof MissingParameterException && !unmatched.isEmpty()
                        ? new UnmatchedArgumentException(thrown.getCommandLine(), unmatched)
                        : thrown;
        CommandLine command = exception.getCommandLine();
        PrintWriter err = command.getErr();
        String name = command.getCommandSpec().qualifiedName();
        err.println(
                name + ": " + place.map(known -> known + ": ").orElse("") + exception.getMessage());
        UnmatchedArgumentException.printSuggestions(exception, err);
        err.println("Try '" + name + " --help'.");
        err.flush();
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    /**
     * A message of the library with the command's options in place of the settings that it names:
     * {@code --max-length} for {@code maxLength}. Names in quotes or of files are data. A setting
     * of one word reads as English and stays.
     */
    static String withOptions(String message, CommandLine command) {
        String result = message;
        for (OptionSpec option : command.getCommandSpec().options()) {
            String name = option.longestName();
            String setting =
                    SECOND_WORD
                            .matcher(name.substring(2))
                            .replaceAll(word -> word.group(1).toUpperCase(Locale.ROOT));
            if (!name.endsWith(setting)) {
                result =
                        result.replaceAll(
                                "(?<![\\w\"'./\\\\-])" + setting + "(?!\\.?[\\w\"'/\\\\-])", name);
            }
        }
        return result;
    }

    private static int reportFailure(CommandLine jepa, CommandLine command, Throwable failure) {
        boolean verbose = ((JepaCommand) jepa.getCommand()).verbose;
        PrintWriter err = jepa.getErr();
        if (failure instanceof StoppedException stopped) {
            err.println("jepa: " + stopped.getMessage());
            err.flush();
            return stopped.exitCode();
        }
        if (failure instanceof JepaException) {
            err.println("jepa: " + withOptions(String.valueOf(failure.getMessage()), command));
        } else if (failure instanceof InvalidPathException path) {
            err.println("jepa: " + Arguments.describe(path));
        } else if (failure instanceof OutOfMemoryError) {
            err.println(
                    "jepa: out of memory ("
                            + RootCause.message(failure)
                            + "); use smaller batches or shorter rows, or a machine with more, or raise"
                            + " the limit (-Xmx, -Dorg.bytedeco.javacpp.maxbytes,"
                            + " -Dorg.bytedeco.javacpp.maxphysicalbytes)");
        } else {
            err.println("jepa: this is a bug: " + failure);
            if (!verbose) {
                err.println("Please report it, with what --verbose prints.");
            }
        }
        if (verbose) {
            failure.printStackTrace(err);
        }
        err.flush();
        return jepa.getCommandSpec().exitCodeOnExecutionException();
    }
}
