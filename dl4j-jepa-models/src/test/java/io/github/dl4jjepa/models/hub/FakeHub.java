package io.github.dl4jjepa.models.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A small hub. It answers as the Hugging Face hub does, so that Python's {@code huggingface_hub}
 * can use it too, and misbehaves on request.
 *
 * <p>Safetensors are stored as large files are: a request is redirected to a storage host, with
 * hash and size in the redirection's headers. The storage is {@code localhost} where the hub is
 * {@code 127.0.0.1}: another host.
 *
 * <p>It needs the JDK only and runs by itself: {@code java FakeHub.java FOLDER PORT} serves the
 * folder as {@code org/model}, and as {@code old/name}, the model's former name.
 */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final String FORMER = "old/name";

    /** The files of each revision; a commit is a revision too. */
    final Map<String, Map<String, byte[]>> revisions = new ConcurrentHashMap<>();

    /** The commits of branches and tags. */
    final Map<String, String> commits = new ConcurrentHashMap<>();

    /** Method, path, range and token of each request, in order. */
    final List<String> requests = new CopyOnWriteArrayList<>();

    /** The only model. */
    volatile String model = "org/model";

    /** Before every path, as a mirror in a repository manager has it. */
    volatile String prefix = "";

    /** Without it the model is not shown to exist. */
    volatile String token;

    /** Whether the model has terms to be accepted, which no token has. */
    volatile boolean gated;

    /** Handles an exchange in another way, or returns false. */
    volatile Trouble trouble = (exchange, path) -> false;

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final String scheme;

    interface Trouble {
        boolean make(HttpExchange exchange, String path) throws IOException;
    }

    FakeHub() {
        this(create(0), "http");
    }

    /**
     * @param server not yet started
     * @param scheme http, or https for an HttpsServer
     */
    FakeHub(HttpServer server, String scheme) {
        this.server = server;
        this.scheme = scheme;
        commits.put("main", COMMIT);
        revisions.put(COMMIT, new ConcurrentHashMap<>());
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    static HttpServer create(int port) {
        try {
            return HttpServer.create(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        var hub = new FakeHub(create(Integer.parseInt(arguments[1])), "http");
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = folder.relativize(file).toString().replace('\\', '/');
                hub.files().put(name, Files.readAllBytes(file));
            }
        }
        System.out.println(hub.endpoint());
    }

    /** The files of the main branch. */
    Map<String, byte[]> files() {
        return revisions.get(commits.get("main"));
    }

    void put(String file, String text) {
        files().put(file, text.getBytes(StandardCharsets.UTF_8));
    }

    String endpoint() {
        return scheme + "://127.0.0.1:" + port() + prefix;
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** The requests whose line holds a text. */
    List<String> requests(String part) {
        return requests.stream().filter(request -> request.contains(part)).toList();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    private void handle(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getRawPath();
            requests.add(
                    exchange.getRequestMethod()
                            + " "
                            + path
                            + header(exchange, "Range").map(value -> " " + value).orElse("")
                            + header(exchange, "Authorization").map(value -> " " + value).orElse("")
                            + header(exchange, "Proxy-Authorization")
                                    .map(value -> " proxy " + value)
                                    .orElse(""));
            if (trouble.make(exchange, path)) {
                return;
            }
            if (path.startsWith("/storage/")) {
                storage(exchange, path.substring("/storage/".length()));
            } else if (path.startsWith(prefix + "/")) {
                hub(exchange, path.substring(prefix.length()));
            } else {
                answer(exchange, 404, new byte[0]);
            }
        }
    }

    private void hub(HttpExchange exchange, String path) throws IOException {
        if (path.contains("/" + FORMER + "/")) { // relative, and kept by the method: 307
            String now = prefix + path.replace("/" + FORMER + "/", "/" + model + "/");
            exchange.getResponseHeaders().add("Location", now);
            answer(exchange, 307, new byte[0]);
            return;
        }
        String[] api = path.split("/(revision|tree|resolve)/", 2);
        boolean allowed =
                token == null
                        || header(exchange, "Authorization").equals(Optional.of("Bearer " + token));
        if (!allowed || !api[0].replace("/api/models", "").equals("/" + model)) {
            error(exchange, allowed ? 404 : 401, "RepoNotFound", "Repository not found");
            return;
        }
        boolean isFile = path.startsWith("/" + model + "/resolve/");
        String rest = api.length < 2 ? "main" : api[1];
        String revision =
                URI.create("x:/" + (isFile ? rest.split("/")[0] : rest)).getPath().substring(1);
        String commit = commits.getOrDefault(revision, revision);
        Map<String, byte[]> files = revisions.get(commit);
        if (files == null) {
            error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + revision);
        } else if (isFile && gated) {
            error(
                    exchange,
                    header(exchange, "Authorization").isEmpty() ? 401 : 403,
                    "GatedRepo",
                    "Access to model " + model + " is restricted.");
        } else if (isFile) {
            String name = URI.create("x:/" + rest.substring(rest.indexOf('/') + 1)).getPath();
            resolve(exchange, commit, name.substring(1), files);
        } else {
            json(exchange, path.contains("/tree/") ? tree(files) : information(commit, files));
        }
    }

    private void resolve(
            HttpExchange exchange, String commit, String name, Map<String, byte[]> files)
            throws IOException {
        byte[] body = files.get(name);
        exchange.getResponseHeaders().add("X-Repo-Commit", commit);
        if (body == null) {
            error(exchange, 404, "EntryNotFound", "Entry not found");
        } else if (isLarge(name)) {
            exchange.getResponseHeaders().add("X-Linked-Etag", '"' + sha256(body) + '"');
            exchange.getResponseHeaders().add("X-Linked-Size", String.valueOf(body.length));
            exchange.getResponseHeaders()
                    .add(
                            "Location",
                            scheme + "://localhost:" + port() + "/storage/" + commit + "/" + name);
            answer(exchange, 302, new byte[0]);
        } else {
            exchange.getResponseHeaders().add("ETag", '"' + gitHash(body) + '"');
            exchange.getResponseHeaders().add("Content-Type", "text/plain; charset=utf-8");
            content(exchange, body);
        }
    }

    private void storage(HttpExchange exchange, String path) throws IOException {
        String[] parts = path.split("/", 2);
        content(exchange, revisions.get(parts[0]).get(parts[1]));
    }

    private static void content(HttpExchange exchange, byte[] body) throws IOException {
        int from = from(exchange);
        if (from == 0) {
            answer(exchange, 200, body);
        } else if (from >= body.length) {
            answer(exchange, 416, new byte[0]);
        } else {
            exchange.getResponseHeaders()
                    .add(
                            "Content-Range",
                            "bytes " + from + "-" + (body.length - 1) + "/" + body.length);
            answer(exchange, 206, Arrays.copyOfRange(body, from, body.length));
        }
    }

    /** Where a request's range begins. */
    static int from(HttpExchange exchange) {
        return header(exchange, "Range")
                .map(range -> Integer.parseInt(range.replaceAll("\\D", "")))
                .orElse(0);
    }

    private String information(String commit, Map<String, byte[]> files) {
        return "{\"_id\": \"1\", \"id\": \"%s\", \"modelId\": \"%s\", \"sha\": \"%s\", \"siblings\": [%s]}"
                .formatted(
                        model,
                        model,
                        commit,
                        new TreeMap<>(files)
                                .keySet().stream()
                                        .map(name -> "{\"rfilename\": \"" + name + "\"}")
                                        .collect(Collectors.joining(", ")));
    }

    private static String tree(Map<String, byte[]> files) {
        return new TreeMap<>(files)
                .entrySet().stream()
                        .map(file -> entry(file.getKey(), file.getValue()))
                        .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String entry(String name, byte[] body) {
        String large =
                isLarge(name)
                        ? ", \"lfs\": {\"oid\": \"%s\", \"size\": %s, \"pointerSize\": 130}"
                                .formatted(sha256(body), body.length)
                        : "";
        return "{\"type\": \"file\", \"path\": \"%s\", \"size\": %s, \"oid\": \"%s\"%s}"
                .formatted(name, body.length, gitHash(body), large);
    }

    private static boolean isLarge(String name) {
        return name.endsWith(".safetensors");
    }

    private static void error(HttpExchange exchange, int status, String code, String message)
            throws IOException {
        exchange.getResponseHeaders().add("X-Error-Code", code);
        exchange.getResponseHeaders().add("X-Error-Message", message);
        answer(exchange, status, new byte[0]);
    }

    private static void json(HttpExchange exchange, String text) throws IOException {
        exchange.getResponseHeaders().add("Content-Type", "application/json");
        answer(exchange, 200, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Answers, with the body's length but without the body where only the head is asked for. */
    static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().add("Content-Length", String.valueOf(body.length));
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
    }

    private static Optional<String> header(HttpExchange exchange, String name) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
    }

    static String sha256(byte[] bytes) {
        return hash("SHA-256", new byte[0], bytes);
    }

    static String gitHash(byte[] bytes) {
        return hash(
                "SHA-1",
                ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII),
                bytes);
    }

    private static String hash(String algorithm, byte[] head, byte[] bytes) {
        try {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            digest.update(head);
            return HexFormat.of().formatHex(digest.digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
