package io.github.dl4jjepa.models.huggingface;

import io.github.dl4jjepa.core.internal.IoFailures;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** File operations that are on the disk, and not merely in the system's cache, when they return. */
final class DurableFiles {
    /** What is being written carries this suffix until it is whole. */
    static final String PARTIAL = ".partial";

    private static final Logger LOG = LoggerFactory.getLogger(DurableFiles.class);

    private DurableFiles() {}

    /** Writes a file that must not exist. */
    static void create(Path file, byte[] content) throws IOException {
        write(file, content, StandardOpenOption.CREATE_NEW);
    }

    /** Copies a file to where none is. */
    static void copy(Path from, Path to) throws IOException {
        Files.copy(from, to);
        sync(to, StandardOpenOption.WRITE);
    }

    /** Writes a file in place of the one there may be; a reader sees either, never a mixture. */
    static void replace(Path file, byte[] content) throws IOException {
        Path partial = file.resolveSibling(file.getFileName() + PARTIAL);
        try {
            write(
                    partial,
                    content,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING);
            move(partial, file);
        } catch (IOException e) {
            discard(partial);
            throw e;
        }
    }

    /** Renames a folder whose files are on the disk to a name not in use. */
    static void publish(Path partial, Path folder) throws IOException {
        syncFolder(partial);
        move(partial, folder);
    }

    private static void move(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        syncFolder(Objects.requireNonNull(to.toAbsolutePath().getParent()));
    }

    /** Deletes a file, or a folder with all it holds; links are not followed. */
    static void delete(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        List<Path> deepestFirst;
        try (Stream<Path> tree = Files.walk(path)) {
            deepestFirst = tree.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path entry : deepestFirst) {
            Files.delete(entry);
        }
    }

    /** Deletes what could not be written whole, as far as that is possible. */
    static void discard(Path path) {
        try {
            delete(path);
        } catch (IOException e) {
            LOG.warn("{} is incomplete and cannot be removed: {}", path, IoFailures.describe(e));
        }
    }

    private static void write(Path file, byte[] content, OpenOption... create) throws IOException {
        OpenOption[] options =
                Stream.concat(Stream.of(create), Stream.of(StandardOpenOption.WRITE))
                        .toArray(OpenOption[]::new);
        try (FileChannel channel = FileChannel.open(file, options)) {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    /** Makes the names in a folder last; Windows has no such call and needs none. */
    private static void syncFolder(Path folder) throws IOException {
        if (File.separatorChar == '/') {
            sync(folder, StandardOpenOption.READ);
        }
    }

    private static void sync(Path path, OpenOption access) throws IOException {
        try (FileChannel channel = FileChannel.open(path, access)) {
            channel.force(true);
        }
    }
}
