package io.github.dl4jjepa.examples.cli;

import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import picocli.CommandLine.Option;

/** The options of the chat template. */
final class TemplateOptionsMixin {
    @Option(
            names = "--chat-template",
            paramLabel = "NAME|FILE",
            description =
                    "One of the model's chat templates by its name, or a file; by default the model's"
                            + " own.")
    private String chatTemplate;

    @Option(
            names = "--template-kwargs",
            paramLabel = "JSON",
            description =
                    "Values of the chat template's variables, such as '{\"enable_thinking\": false}'.")
    private String templateKwargs;

    ChatTemplate.Options options() {
        return new ChatTemplate.Options(chatTemplate, templateKwargs);
    }
}
