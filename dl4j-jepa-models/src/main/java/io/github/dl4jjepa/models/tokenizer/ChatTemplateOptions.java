package io.github.dl4jjepa.models.tokenizer;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Which chat template is used, and with which values of its variables.
 *
 * @param chatTemplate the name of one of the model's templates, or a file; null for the model's
 *     default
 * @param templateKwargs values of the template's variables, a JSON object; null for none
 */
public record ChatTemplateOptions(@Nullable String chatTemplate, @Nullable String templateKwargs) {
    /** The model's own template. */
    public static final ChatTemplateOptions DEFAULT = new ChatTemplateOptions(null, null);

    /** The file of the template, if one is given. */
    public Optional<Path> file() {
        try {
            return Optional.ofNullable(chatTemplate).map(Path::of).filter(Files::isRegularFile);
        } catch (InvalidPathException isName) {
            return Optional.empty();
        }
    }

    /** The same tokenizer with this template. */
    public TokenizerFiles applyTo(TokenizerFiles files) {
        TokenizerFiles chosen = chatTemplate == null ? files : files.withChatTemplate(chatTemplate);
        return templateKwargs == null ? chosen : chosen.withTemplateArguments(templateKwargs);
    }
}
