package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Python files in a folder that transformers runs with {@code trust_remote_code}: those that an
 * {@code auto_map} names, and those that they import from the folder. They are copied, never run.
 *
 * @param folder the folder
 * @param files their names, those that are there
 * @param missing the names of the others
 */
record RemoteCode(Path folder, List<String> files, List<String> missing) {
    /**
     * A class of a file in the folder; {@code org/name--file.Class} is one of another repository.
     */
    private static final Pattern CLASS = Pattern.compile("([\\w-]+)\\.\\w+");

    /** {@code from .module import …}, or {@code from . import module, …}. */
    private static final Pattern IMPORT =
            Pattern.compile(
                    "^\\s*from\\s+\\.(\\w*)\\s+import\\s+(\\([^)]*\\)|[^#\\n]*)",
                    Pattern.MULTILINE);

    private static final Pattern NAME = Pattern.compile("(\\w+)(?:\\s+as\\s+\\w+)?");

    /**
     * Finds the files.
     *
     * @throws JepaException if a file cannot be read
     */
    static RemoteCode of(CheckpointFolder source) {
        Deque<String> modules = new ArrayDeque<>();
        addClasses(source.config().path("auto_map"), modules);
        source.tokenizerConfigFile()
                .map(file -> JsonFiles.read(file, "Download it again."))
                .ifPresent(config -> addClasses(config.path("auto_map"), modules));
        Set<String> seen = new LinkedHashSet<>();
        List<String> files = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        while (!modules.isEmpty()) {
            String name = modules.remove() + ".py";
            if (!seen.add(name)) {
                continue;
            }
            Optional<Path> file = source.optional(name);
            if (file.isPresent()) {
                files.add(name);
                modules.addAll(imports(file.get()));
            } else {
                missing.add(name);
            }
        }
        return new RemoteCode(source.path(), files, missing);
    }

    /** The values of an auto_map are classes, or lists of them with nulls. */
    private static void addClasses(JsonNode value, Deque<String> modules) {
        if (value.isTextual()) {
            Matcher matcher = CLASS.matcher(value.textValue());
            if (matcher.matches()) {
                modules.add(matcher.group(1));
            }
        }
        value.forEach(element -> addClasses(element, modules));
    }

    private static List<String> imports(Path file) {
        String code;
        try {
            code = Files.readString(file);
        } catch (IOException e) {
            throw new JepaException(file + ": cannot be read: " + e, e);
        }
        List<String> modules = new ArrayList<>();
        Matcher statement = IMPORT.matcher(code);
        while (statement.find()) {
            if (!statement.group(1).isEmpty()) {
                modules.add(statement.group(1));
                continue;
            }
            Matcher name = NAME.matcher(statement.group(2));
            while (name.find()) {
                modules.add(name.group(1));
            }
        }
        return modules;
    }

    void copyTo(Path target) throws IOException {
        for (String name : files) {
            DurableFiles.copy(folder.resolve(name), target.resolve(name));
        }
    }
}
