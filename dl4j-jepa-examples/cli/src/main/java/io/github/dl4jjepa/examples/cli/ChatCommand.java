package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa chat}. */
@Command(
        name = "chat",
        description = {
            "Talks with a model: a line of standard input is a turn of the user, the answer appears on"
                    + " standard error as it is written.",
            "/reset forgets the conversation, /exit or the input's end leaves."
        },
        footerHeading = "%nExample:%n",
        footer = "  jepa chat --model SmolLM2-135M-Instruct --sample")
final class ChatCommand implements Callable<ChatCommand.Result> {
    private static final String RESET = "/reset";
    private static final String EXIT = "/exit";

    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the model, or its name on the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = "The system turn that each conversation begins with.")
    private @Nullable String system;

    @Mixin private GenerationOptionsMixin generation;
    @Mixin private TemplateOptionsMixin template;

    /** A turn, as the command prints it. */
    record Turn(String role, String content) {}

    /** What the command prints: the conversation since its last reset. */
    record Result(List<Turn> messages) {}

    @Override
    public Result call() {
        generation.over(GenerationOptions.builder().build());
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (ChatModel chat = ChatModel.open(base.open(model), template.options())) {
            generation.tellOfGreedyChoice(chat.generationDefaults());
            GenerationOptions options = generation.over(chat.generationDefaults());
            List<Message> conversation = begin();
            for (String line = next(lines); line != null; line = next(lines)) {
                if (line.equals(RESET)) {
                    conversation = begin();
                } else if (!line.isEmpty()) {
                    answer(chat, options, conversation, line);
                }
            }
            return new Result(
                    conversation.stream()
                            .map(message -> new Turn(message.role(), message.content()))
                            .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<Message> begin() {
        List<Message> conversation = new ArrayList<>();
        if (system != null) {
            conversation.add(new Message(Message.SYSTEM, system));
        }
        return conversation;
    }

    /** The user's next turn; null where the conversation ends. */
    private static @Nullable String next(BufferedReader lines) throws IOException {
        System.err.print("> ");
        System.err.flush();
        String line = lines.readLine();
        if (line == null) {
            System.err.println();
            return null;
        }
        return line.strip().equals(EXIT) ? null : line.strip();
    }

    /** Answers a turn; one that cannot be answered is left out of the conversation. */
    private static void answer(
            ChatModel chat, GenerationOptions options, List<Message> conversation, String line) {
        List<Message> asked = new ArrayList<>(conversation);
        asked.add(new Message(Message.USER, line));
        try {
            Answer answer =
                    chat.answer(
                            Example.conversation("the conversation", asked),
                            options,
                            piece -> {
                                System.err.print(piece);
                                System.err.flush();
                            });
            System.err.println();
            conversation.add(new Message(Message.USER, line));
            conversation.add(new Message(Message.ASSISTANT, answer.text()));
        } catch (JepaException e) {
            System.err.println(e.getMessage() + " (" + RESET + " begins a new conversation)");
        }
    }
}
