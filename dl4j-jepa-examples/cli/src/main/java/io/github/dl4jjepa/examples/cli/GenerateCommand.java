package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import io.github.dl4jjepa.models.generation.GenerationOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code jepa generate}. */
@Command(
        name = "generate",
        description = "Answers one prompt, greedily unless --sample is given.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  jepa generate --model SmolLM2-135M-Instruct --prompt 'What is the capital of France?'",
            "  jepa generate --model SmolLM2-135M-Instruct --prompt 'A haiku.' --sample --top-p 0.9"
        })
final class GenerateCommand implements Callable<GenerateCommand.Result> {
    @Option(
            names = "--model",
            required = true,
            paramLabel = "DIR|NAME",
            description = "Folder of the model, or its name on the Hugging Face hub.")
    private String model;

    @Mixin private BaseOptionMixin base;

    @Option(
            names = "--prompt",
            required = true,
            paramLabel = "TEXT",
            description = "What the user says.")
    private String prompt;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system turn before it.")
    private @Nullable String system;

    @Mixin private GenerationOptionsMixin generation;
    @Mixin private TemplateOptionsMixin template;

    /** What the command prints. */
    record Result(
            String prompt,
            String text,
            int tokens,
            boolean stopped,
            String finishReason,
            double seconds) {}

    @Override
    public Result call() {
        generation.over(GenerationOptions.builder().build());
        List<Message> conversation = new ArrayList<>();
        if (system != null) {
            conversation.add(new Message(Message.SYSTEM, system));
        }
        conversation.add(new Message(Message.USER, prompt));
        Example question = Example.conversation("--prompt", conversation);
        try (ChatModel chat = ChatModel.open(base.open(model), template.options());
                StreamedText stream = new StreamedText()) {
            generation.tellOfGreedyChoice(chat.generationDefaults());
            long begun = System.nanoTime();
            Answer answer =
                    chat.answer(question, generation.over(chat.generationDefaults()), stream);
            return new Result(
                    prompt,
                    answer.text(),
                    answer.tokens(),
                    answer.stopped(),
                    answer.finishReason().name().toLowerCase(Locale.ROOT),
                    (System.nanoTime() - begun) / 1e9);
        }
    }
}
