package io.github.dl4jjepa.models.chat;

import com.google.errorprone.annotations.MustBeClosed;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.models.huggingface.CheckpointFolder;
import io.github.dl4jjepa.models.huggingface.CheckpointReplica;
import io.github.dl4jjepa.models.internal.FileHash;
import io.github.dl4jjepa.models.tokenizer.ChatTemplate;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Lets another process open a {@link ChatModel} that gives the same answers. */
public final class ChatReplica implements Serializable {
    private static final long serialVersionUID = 1L;

    private final CheckpointReplica checkpoint;

    /** The absolute path of a template's file, the name of a template, or null. */
    private final @Nullable String template;

    private final @Nullable String templateKwargs;

    /** Null where the template is not a file. */
    private final @Nullable String templateSha256;

    /**
     * Hashes the files of a model.
     *
     * @param folder the model
     * @param template which template is used
     */
    public ChatReplica(CheckpointFolder folder, ChatTemplate.Options template) {
        checkpoint = CheckpointReplica.of(folder);
        Path file = template.file().map(Path::toAbsolutePath).orElse(null);
        this.template = file == null ? template.chatTemplate() : file.toString();
        templateKwargs = template.templateKwargs();
        templateSha256 = file == null ? null : FileHash.sha256(file);
    }

    /**
     * Opens the model in this process.
     *
     * @return the caller's
     * @throws JepaException if it is not here, or its files, the template's or this library are not
     *     those of the other process
     */
    @MustBeClosed
    public ChatModel open() {
        CheckpointFolder folder = checkpoint.open();
        ChatTemplate.Options options = new ChatTemplate.Options(template, templateKwargs);
        if (templateSha256 != null
                && !options.file().map(FileHash::sha256).equals(Optional.of(templateSha256))) {
            throw new JepaException(
                    template
                            + (options.file().isPresent()
                                    ? ": differs here from the chat template"
                                    : ": is missing here, the chat template")
                            + " that the run was begun with; copy the file anew");
        }
        return ChatModel.open(folder, options);
    }
}
