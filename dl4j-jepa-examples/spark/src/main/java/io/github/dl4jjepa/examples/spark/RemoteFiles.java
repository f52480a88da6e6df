package io.github.dl4jjepa.examples.spark;

import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * Files that arguments name by a URI, such as {@code hdfs://namenode/pairs.jsonl} or {@code
 * s3a://bucket/pairs.jsonl}: copied to the driver by Hadoop's client, which Spark reads with.
 */
final class RemoteFiles {
    private static final Pattern FILE =
            Pattern.compile(
                    "(?<option>--[\\p{Lower}-]+=)?(?<uri>\\p{Lower}[\\p{Lower}\\d+.-]+://.+?)"
                            + "(?<weight>:\\d*\\.?\\d+)?",
                    Pattern.DOTALL);

    private final Configuration hadoop;
    private final Path folder;
    private int copies;

    /**
     * @param hadoop Spark's
     * @param folder where the copies are kept
     */
    RemoteFiles(Configuration hadoop, Path folder) {
        this.hadoop = hadoop;
        this.folder = folder;
    }

    /**
     * Copies the file that an argument names.
     *
     * @param argument a word of the command line
     * @return the word with the copy in place of the URI, or the word itself
     * @throws JepaException if the file cannot be read
     */
    String local(String argument) {
        Matcher matcher = FILE.matcher(argument);
        if (!matcher.matches()) {
            return argument;
        }
        String uri = matcher.group("uri");
        org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path(uri);
        try {
            // A folder for each: the names of files appear in messages.
            Path copy =
                    Files.createDirectories(folder.resolve(String.valueOf(copies++)))
                            .resolve(remote.getName());
            FileSystem system = remote.getFileSystem(hadoop);
            system.copyToLocalFile(
                    false, remote, new org.apache.hadoop.fs.Path(copy.toUri()), true);
            return group(matcher, "option") + copy + group(matcher, "weight");
        } catch (IOException e) {
            throw new JepaException(uri + ": cannot be read: " + e.getMessage(), e);
        }
    }

    private static String group(Matcher matcher, String name) {
        return matcher.group(name) == null ? "" : matcher.group(name);
    }
}
