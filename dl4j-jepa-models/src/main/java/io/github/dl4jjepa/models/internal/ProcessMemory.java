package io.github.dl4jjepa.models.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;

/** The memory of this process, native and Java's together. */
public final class ProcessMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private ProcessMemory() {}

    /** Most resident memory so far, in bytes; on systems that do not tell, what is resident now. */
    public static long peakBytes() {
        return read("VmHWM:");
    }

    /** Memory resident now, in bytes. */
    public static long residentBytes() {
        return read("VmRSS:");
    }

    private static long read(String key) {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(key))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElseGet(Pointer::physicalBytes);
        } catch (IOException e) {
            return Pointer.physicalBytes();
        }
    }
}
