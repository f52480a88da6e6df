package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import io.github.dl4jjepa.examples.cli.NamedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * Files that words of the command line or of a settings file name by a URI, such as {@code
 * hdfs://namenode/pairs.jsonl} or {@code s3a://bucket/pairs.jsonl}: copied to the driver by
 * Hadoop's client, which Spark reads with.
 */
final class RemoteFiles implements NamedFiles {
    private static final Pattern FILE =
            Pattern.compile(
                    "(?<option>--[\\p{Lower}-]+=)?(?<uri>\\p{Lower}[\\p{Lower}\\d+.-]+://.+?)"
                            + "(?<weight>:\\d*\\.?\\d+)?",
                    Pattern.DOTALL);

    private final Configuration hadoop;
    private final Path folder;
    private final Map<String, String> uris = new HashMap<>();

    /**
     * @param hadoop Spark's
     * @param folder where the copies are kept
     */
    RemoteFiles(Configuration hadoop, Path folder) {
        this.hadoop = hadoop;
        this.folder = folder.toAbsolutePath().normalize();
    }

    /** Copies the file that a word names. */
    @Override
    public String local(String word) {
        Matcher matcher = FILE.matcher(word);
        if (!matcher.matches()) {
            return word;
        }
        String uri = matcher.group("uri");
        org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path(uri);
        try {
            // A folder for each: the names of files appear in messages.
            Path copy =
                    Files.createDirectories(folder.resolve(String.valueOf(uris.size())))
                            .resolve(remote.getName());
            FileSystem system = remote.getFileSystem(hadoop);
            system.copyToLocalFile(
                    false, remote, new org.apache.hadoop.fs.Path(copy.toUri()), true);
            uris.put(copy.toString(), uri);
            return group(matcher, "option") + copy + group(matcher, "weight");
        } catch (IOException e) {
            throw new JepaException(uri + ": cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public String name(Path file) {
        String path = file.toString();
        return uris.getOrDefault(path, path);
    }

    private static String group(Matcher matcher, String name) {
        return matcher.group(name) == null ? "" : matcher.group(name);
    }
}
