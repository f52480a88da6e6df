package io.github.dl4jjepa.models.huggingface;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Models by their names on the Hugging Face hub, {@code org/name} or {@code org/name@revision}.
 *
 * <p>A snapshot that is in the ordinary cache is used as it is, without a question to the network.
 * Otherwise what a model needs is downloaded into that cache, in the layout that Python's {@code
 * huggingface_hub} reads: each file under a temporary name, resumed where it broke off, checked
 * against size and hash, then moved into place. Weights in other formats than safetensors are never
 * downloaded: unpickling runs code.
 *
 * <p>Environment variables: {@code HF_HUB_CACHE}, or {@code HF_HOME} with the cache in its folder
 * {@code hub}; {@code HF_ENDPOINT}; {@code HF_TOKEN}; {@code HF_HUB_OFFLINE}.
 */
final class HuggingFaceHub {
    private static final Logger LOG = LoggerFactory.getLogger(HuggingFaceHub.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Pattern NAME =
            Pattern.compile("([\\w][\\w.-]*/[\\w][\\w.-]*)(?:@([\\w][\\w./-]*))?");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern BLOB = Pattern.compile("[\\w.-]+");
    private static final Pattern SHARD = Pattern.compile("model-\\d+-of-\\d+\\.safetensors");
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final Set<String> BESIDE_WEIGHTS =
            Set.of(
                    CheckpointFolder.CONFIG,
                    CheckpointFolder.GENERATION_CONFIG,
                    CheckpointFolder.TOKENIZER,
                    CheckpointFolder.TOKENIZER_CONFIG,
                    CheckpointFolder.CHAT_TEMPLATE,
                    "special_tokens_map.json");
    private static final int REDIRECTS = 5;
    private static final int BUFFER = 1 << 16;
    private static final long BYTES_PER_REPORT = 100_000_000;

    private final Path cache;
    private final URI endpoint;
    private final Optional<String> token;
    private final boolean offline;
    private final Duration timeout;
    private final Duration pause;
    private final int attempts;

    /**
     * @param timeout without an answer, or another byte of it, before a try is given up
     * @param pause before the second try; doubled before each further one
     * @param attempts tries for each file, of which those that bring it further do not count
     */
    HuggingFaceHub(
            Path cache,
            URI endpoint,
            Optional<String> token,
            boolean offline,
            Duration timeout,
            Duration pause,
            int attempts) {
        this.cache = cache;
        this.endpoint = endpoint;
        this.token = token;
        this.offline = offline;
        this.timeout = timeout;
        this.pause = pause;
        this.attempts = attempts;
    }

    /** The hub that environment variables describe. */
    static HuggingFaceHub of(Map<String, String> environment) {
        Path home =
                environment.containsKey("HF_HOME")
                        ? Path.of(environment.get("HF_HOME"))
                        : Path.of(System.getProperty("user.home"), ".cache", "huggingface");
        Path cache =
                environment.containsKey("HF_HUB_CACHE")
                        ? Path.of(environment.get("HF_HUB_CACHE"))
                        : home.resolve("hub");
        String offline = environment.getOrDefault("HF_HUB_OFFLINE", "0");
        return new HuggingFaceHub(
                cache,
                URI.create(environment.getOrDefault("HF_ENDPOINT", "https://huggingface.co")),
                Optional.ofNullable(environment.get("HF_TOKEN")).filter(text -> !text.isBlank()),
                Set.of("1", "ON", "YES", "TRUE").contains(offline.toUpperCase(Locale.ROOT)),
                Duration.ofSeconds(30),
                Duration.ofSeconds(1),
                5);
    }

    /** Whether a text could be a model's name on the hub. */
    static boolean isName(String text) {
        return NAME.matcher(text).matches();
    }

    /**
     * The folder of a model, downloaded if it is not in the cache.
     *
     * @param name {@code org/name} or {@code org/name@revision}
     * @throws JepaException if there is no such model, it may not be read, has no safetensors, or
     *     the network fails
     */
    Path snapshot(String name) {
        Matcher parts = NAME.matcher(name);
        if (!parts.matches()) {
            throw new JepaException(
                    name + ": is no name of a model, org/name or org/name@revision");
        }
        Repository repository =
                new Repository(parts.group(1), Optional.ofNullable(parts.group(2)).orElse("main"));
        Optional<Path> cached = repository.cached();
        if (cached.isPresent()) {
            return cached.get();
        }
        if (offline) {
            throw new JepaException(
                    name
                            + ": is not in the cache "
                            + cache
                            + ", and HF_HUB_OFFLINE is set; unset it, or give a folder");
        }
        try {
            return repository.download();
        } catch (IOException e) {
            throw new JepaException(name + ": cannot be downloaded: " + e.getMessage(), e);
        }
    }

    /** An answer that a later try may improve on. */
    private static final class Transient extends IOException {
        private static final long serialVersionUID = 1L;

        Transient(String message) {
            super(message);
        }
    }

    /** A model at a revision. */
    private final class Repository {
        private final String name;
        private final String revision;
        private final Path folder;

        Repository(String name, String revision) {
            this.name = name;
            this.revision = revision;
            folder = cache.resolve("models--" + name.replace("/", "--"));
        }

        /** A snapshot that has all that loading reads. */
        Optional<Path> cached() {
            try {
                Path ref = folder.resolve("refs").resolve(revision);
                String commit = Files.exists(ref) ? Files.readString(ref).strip() : revision;
                Path snapshot = folder.resolve("snapshots").resolve(commit);
                return isWhole(snapshot) ? Optional.of(snapshot) : Optional.empty();
            } catch (IOException e) {
                throw new JepaException(folder + ": cannot be read: " + e, e);
            }
        }

        private boolean isWhole(Path snapshot) throws IOException {
            if (!Files.exists(snapshot.resolve(CheckpointFolder.CONFIG))) {
                return false;
            }
            if (Files.exists(snapshot.resolve(WEIGHTS))) {
                return true;
            }
            Path index = snapshot.resolve(INDEX);
            if (!Files.exists(index)) {
                return false;
            }
            for (JsonNode shard : JSON.readTree(index.toFile()).path("weight_map")) {
                if (!Files.exists(snapshot.resolve(shard.asText()))) {
                    return false;
                }
            }
            return true;
        }

        Path download() throws IOException {
            JsonNode model = information();
            String commit = model.path("sha").asText();
            if (!COMMIT.matcher(commit).matches()) {
                throw new IOException(endpoint + " names no commit of it");
            }
            Path snapshot = folder.resolve("snapshots").resolve(commit);
            Files.createDirectories(snapshot);
            Files.createDirectories(folder.resolve("blobs"));
            for (String file : needed(model)) {
                if (!Files.exists(snapshot.resolve(file))) {
                    fetch(commit, file, snapshot);
                }
            }
            if (!revision.equals(commit)) {
                Path ref = folder.resolve("refs").resolve(revision);
                Files.createDirectories(ref.getParent());
                Files.writeString(ref, commit);
            }
            return snapshot;
        }

        private JsonNode information() throws IOException {
            URI uri = endpoint.resolve("/api/models/" + name + "/revision/" + revision);
            for (int attempt = 1; ; attempt++) {
                try {
                    HttpURLConnection connection = connect(uri, 0);
                    try (InputStream in = connection.getInputStream()) {
                        return JSON.readTree(in);
                    }
                } catch (IOException e) {
                    waitOrThrow(e, attempt);
                }
            }
        }

        private Set<String> needed(JsonNode model) {
            Set<String> there = new TreeSet<>();
            model.path("siblings").forEach(file -> there.add(file.path("rfilename").asText()));
            Set<String> needed = new TreeSet<>(BESIDE_WEIGHTS);
            needed.retainAll(there);
            if (there.contains(WEIGHTS)) {
                needed.add(WEIGHTS);
            } else if (there.contains(INDEX)) {
                needed.add(INDEX);
                there.stream().filter(file -> SHARD.matcher(file).matches()).forEach(needed::add);
            } else {
                List<String> others =
                        there.stream()
                                .filter(file -> file.matches(".*\\.(bin|pt|pth|ckpt)"))
                                .toList();
                throw new JepaException(
                        name
                                + ": has no safetensors"
                                + (others.isEmpty() ? "" : ", only " + others)
                                + "; pickles run code when they are read and are not: name a"
                                + " revision that has safetensors, or convert it");
            }
            if (!needed.contains(CheckpointFolder.CONFIG)) {
                throw new JepaException(name + ": has no config.json, so it is no model");
            }
            return needed;
        }

        /** Downloads a file under the name of its hash, and links the snapshot to it. */
        private void fetch(String commit, String file, Path snapshot) throws IOException {
            URI uri = endpoint.resolve("/" + name + "/resolve/" + commit + "/" + file);
            LOG.info("Downloading {} of {}", file, name);
            long before = -1;
            for (int attempt = 1; ; ) {
                Progress progress = new Progress();
                try {
                    Path blob = fetch(uri, file, progress);
                    link(snapshot.resolve(file), blob);
                    return;
                } catch (IOException e) {
                    attempt = progress.bytes > before ? 1 : attempt + 1;
                    before = Math.max(before, progress.bytes);
                    waitOrThrow(e, attempt);
                }
            }
        }

        private Path fetch(URI uri, String file, Progress progress) throws IOException {
            HttpURLConnection first = request(uri, 0, true);
            int status = first.getResponseCode();
            refuse(uri, first, status);
            String etag = header(first, "X-Linked-Etag").or(() -> header(first, "ETag")).orElse("");
            etag = etag.replaceFirst("^W/", "").replace("\"", "");
            if (!BLOB.matcher(etag).matches()) {
                first.disconnect();
                throw new JepaException(uri + ": the server says no ETag; it is no hub");
            }
            long size = header(first, "X-Linked-Size").map(Long::parseLong).orElse(-1L);
            first.disconnect();

            Path blob = folder.resolve("blobs").resolve(etag);
            if (Files.exists(blob)) {
                return blob;
            }
            Path part = folder.resolve("blobs").resolve(etag + ".incomplete");
            progress.bytes = Files.exists(part) ? Files.size(part) : 0;
            HttpURLConnection connection = connect(uri, progress.bytes);
            boolean resumed = connection.getResponseCode() == HttpURLConnection.HTTP_PARTIAL;
            if (!resumed) {
                progress.bytes = 0;
            }
            long length = connection.getContentLengthLong();
            long total = size >= 0 ? size : length < 0 ? -1 : progress.bytes + length;
            try (InputStream in = connection.getInputStream();
                    var out =
                            Files.newOutputStream(
                                    part,
                                    StandardOpenOption.CREATE,
                                    resumed
                                            ? StandardOpenOption.APPEND
                                            : StandardOpenOption.TRUNCATE_EXISTING)) {
                byte[] buffer = new byte[BUFFER];
                for (int read; (read = in.read(buffer)) >= 0; ) {
                    out.write(buffer, 0, read);
                    progress.add(file, read, total);
                }
            }
            if (total >= 0 && progress.bytes < total) {
                throw new Transient(
                        uri + ": broke off after " + progress.bytes + " of " + total + " bytes");
            }
            verify(part, etag, total);
            Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
            return blob;
        }

        /** Follows redirects to the answer. */
        private HttpURLConnection connect(URI uri, long from) throws IOException {
            URI at = uri;
            for (int redirect = 0; redirect <= REDIRECTS; redirect++) {
                HttpURLConnection connection =
                        request(at, from, at.getHost().equals(uri.getHost()));
                int status = connection.getResponseCode();
                if (status / 100 != 3) {
                    if (status == 416) { // longer than the file: begin again
                        connection.disconnect();
                        return connect(uri, 0);
                    }
                    refuse(uri, connection, status);
                    return connection;
                }
                String location = connection.getHeaderField("Location");
                connection.disconnect();
                if (location == null) {
                    throw new IOException(at + ": redirects to nowhere");
                }
                at = at.resolve(location);
            }
            throw new IOException(uri + ": redirects more than " + REDIRECTS + " times");
        }

        private HttpURLConnection request(URI uri, long from, boolean own) throws IOException {
            HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection();
            connection.setInstanceFollowRedirects(false);
            connection.setConnectTimeout(Math.toIntExact(timeout.toMillis()));
            connection.setReadTimeout(Math.toIntExact(timeout.toMillis()));
            connection.setRequestProperty("User-Agent", "dl4j-jepa");
            connection.setRequestProperty("Accept-Encoding", "identity");
            if (own && token.isPresent()) {
                connection.setRequestProperty("Authorization", "Bearer " + token.get());
            }
            if (from > 0) {
                connection.setRequestProperty("Range", "bytes=" + from + "-");
            }
            return connection;
        }

        private void refuse(URI uri, HttpURLConnection connection, int status) throws IOException {
            switch (status) {
                case 401, 403 ->
                        throw new JepaException(
                                name
                                        + ": "
                                        + endpoint
                                        + " answers "
                                        + status
                                        + (token.isPresent()
                                                ? ": HF_TOKEN may not read it; accept the model's"
                                                        + " licence on its page, or use another token"
                                                : ": there is no such model, or it needs a token;"
                                                        + " check the name, or set HF_TOKEN"));
                case 404 ->
                        throw new JepaException(
                                name
                                        + ": "
                                        + endpoint
                                        + " has no such model, or not at the revision "
                                        + revision
                                        + " ("
                                        + uri
                                        + "); check the name");
                default -> {
                    if (status == 429 || status >= 500) {
                        throw new Transient(uri + ": the server answers " + status);
                    }
                    if (status >= 400) {
                        throw new JepaException(uri + ": the server answers " + status);
                    }
                }
            }
        }

        private void link(Path link, Path blob) throws IOException {
            Files.createDirectories(link.getParent());
            try {
                Files.createSymbolicLink(link, link.getParent().relativize(blob));
            } catch (UnsupportedOperationException | IOException e) {
                Files.copy(blob, link); // a system without links, as huggingface_hub does there
            }
        }
    }

    private static Optional<String> header(HttpURLConnection connection, String name) {
        return Optional.ofNullable(connection.getHeaderField(name));
    }

    /** A hash in the ETag is checked: SHA-256 of large files, git's SHA-1 of small ones. */
    private static void verify(Path part, String etag, long total) throws IOException {
        boolean sha256 = SHA256.matcher(etag).matches();
        if (!sha256 && !COMMIT.matcher(etag).matches()) {
            return;
        }
        try {
            var digest = MessageDigest.getInstance(sha256 ? "SHA-256" : "SHA-1");
            if (!sha256) {
                digest.update(
                        ("blob " + Files.size(part) + "\0").getBytes(StandardCharsets.US_ASCII));
            }
            try (InputStream in = Files.newInputStream(part)) {
                byte[] buffer = new byte[BUFFER];
                for (int read; (read = in.read(buffer)) >= 0; ) {
                    digest.update(buffer, 0, read);
                }
            }
            String found = HexFormat.of().formatHex(digest.digest());
            if (!found.equals(etag) || total >= 0 && Files.size(part) != total) {
                Files.delete(part);
                throw new Transient("what arrived has the hash " + found + ", not " + etag);
            }
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void waitOrThrow(IOException failure, int attempt) throws IOException {
        if (attempt >= attempts) {
            throw failure;
        }
        LOG.warn("{}; trying again", failure.getMessage());
        try {
            Thread.sleep(pause.toMillis() << Math.min(attempt - 1, 6));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }

    /** How much of a file is there. */
    private static final class Progress {
        private long bytes;

        void add(String file, int read, long total) {
            long reports = bytes / BYTES_PER_REPORT;
            bytes += read;
            if (bytes / BYTES_PER_REPORT > reports) {
                LOG.info(
                        "{}: {} MB{}",
                        file,
                        bytes / 1_000_000,
                        total < 0 ? "" : " of " + total / 1_000_000);
            }
        }
    }
}
