package io.github.dl4jjepa.examples.cli;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.core.internal.JsonFault;
import io.github.dl4jjepa.models.evaluation.Task;
import io.github.dl4jjepa.models.evaluation.Tasks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A task in a file: YAML if it is called so, or else JSON. */
final class TaskFile {
    private TaskFile() {}

    /**
     * A task by the file that declares it, or by its name.
     *
     * @throws JepaException if there is none, or its file does not declare one
     */
    static Task orNamed(String fileOrName) {
        Path file = Path.of(fileOrName);
        return Files.isRegularFile(file) ? read(file) : Tasks.named(fileOrName);
    }

    private static Task read(Path file) {
        String name = file.toString();
        ObjectMapper mapper =
                name.endsWith(".yaml") || name.endsWith(".yml")
                        ? new YAMLMapper()
                        : new JsonMapper();
        try {
            return Tasks.declared(name, mapper.readTree(file.toFile()));
        } catch (JacksonException e) {
            throw new JepaException(
                    name + JsonFault.place(e) + ": cannot be read: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new JepaException(name + ": cannot be read: " + e.getMessage(), e);
        }
    }
}
