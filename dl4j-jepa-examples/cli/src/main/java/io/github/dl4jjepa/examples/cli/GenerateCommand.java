package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.core.view.Example;
import io.github.dl4jjepa.core.view.Message;
import io.github.dl4jjepa.models.chat.ChatModel;
import io.github.dl4jjepa.models.chat.ChatModel.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code jepa generate}. */
@Command(
        name = "generate",
        description = "Answers one prompt, greedily.",
        footerHeading = "%nExample:%n",
        footer =
                "  jepa generate --model SmolLM2-135M-Instruct --prompt 'What is the capital of France?'")
final class GenerateCommand implements Callable<GenerateCommand.Result> {
    @Spec private CommandSpec spec;

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
    private String system;

    @Option(
            names = "--max-new-tokens",
            defaultValue = "256",
            paramLabel = "N",
            description = "The most tokens of the answer.")
    private int maxNewTokens;

    @Mixin private TemplateOptionsMixin template;

    /** What the command prints. */
    record Result(String prompt, String text, int tokens, boolean stopped, double seconds) {}

    @Override
    public Result call() {
        if (maxNewTokens < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--max-new-tokens must be 1 or more, not " + maxNewTokens);
        }
        List<Message> conversation = new ArrayList<>();
        if (system != null) {
            conversation.add(new Message(Message.SYSTEM, system));
        }
        conversation.add(new Message(Message.USER, prompt));
        Example question = Example.conversation("--prompt", conversation);
        try (ChatModel chat = ChatModel.open(base.open(model), template.options())) {
            long begun = System.nanoTime();
            Answer answer = chat.answer(List.of(question), maxNewTokens).get(0);
            return new Result(
                    prompt,
                    answer.text(),
                    answer.tokens(),
                    answer.stopped(),
                    (System.nanoTime() - begun) / 1e9);
        }
    }
}
