package io.github.dl4jjepa.models.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a small server of our own that misbehaves as hubs and networks do. */
class HuggingFaceHubTest {
    private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    @TempDir private Path cache;

    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    private HttpServer server;
    private byte[] weights;

    /** What the server does to the first answers with the weights' bytes. */
    private volatile Trouble trouble = (exchange, body) -> false;

    private interface Trouble {
        boolean make(HttpExchange exchange, byte[] body) throws IOException;
    }

    @BeforeEach
    void startAServer() throws IOException {
        weights = new byte[200_000];
        new Random(1).nextBytes(weights);
        files.put("config.json", "{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8));
        files.put("tokenizer.json", "{}".getBytes(StandardCharsets.UTF_8));
        files.put("model.safetensors", weights);
        files.put("pytorch_model.bin", new byte[] {1});
        files.put("README.md", new byte[] {1});
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/api/", this::information);
        server.createContext("/org/", this::resolve);
        server.createContext("/cdn/", this::content);
        server.start();
    }

    @AfterEach
    void stopTheServer() {
        server.stop(0);
    }

    private void information(HttpExchange exchange) throws IOException {
        note(exchange);
        StringBuilder siblings = new StringBuilder();
        files.keySet()
                .forEach(
                        name ->
                                siblings.append(siblings.isEmpty() ? "" : ",")
                                        .append("{\"rfilename\":\"" + name + "\"}"));
        String json = "{\"sha\":\"" + COMMIT + "\",\"siblings\":[" + siblings + "]}";
        boolean known = exchange.getRequestURI().getPath().contains("/org/model/revision/main");
        answer(exchange, known ? 200 : 404, json.getBytes(StandardCharsets.UTF_8));
    }

    /** Large files are redirected, with hash and size in the hub's own headers. */
    private void resolve(HttpExchange exchange) throws IOException {
        note(exchange);
        String path = exchange.getRequestURI().getPath();
        String name = path.substring(path.lastIndexOf('/') + 1);
        byte[] body = files.get(name);
        if (name.endsWith(".safetensors")) {
            exchange.getResponseHeaders().add("X-Linked-Etag", '"' + sha256(body) + '"');
            exchange.getResponseHeaders().add("X-Linked-Size", String.valueOf(body.length));
            exchange.getResponseHeaders().add("Location", "/cdn/" + name);
            answer(exchange, 302, new byte[0]);
        } else {
            exchange.getResponseHeaders().add("ETag", '"' + gitHash(body) + '"');
            answer(exchange, 200, body);
        }
    }

    private void content(HttpExchange exchange) throws IOException {
        note(exchange);
        String path = exchange.getRequestURI().getPath();
        byte[] body = files.get(path.substring(path.lastIndexOf('/') + 1));
        if (trouble.make(exchange, body)) {
            return;
        }
        String range = exchange.getRequestHeaders().getFirst("Range");
        if (range == null) {
            answer(exchange, 200, body);
        } else {
            int from = Integer.parseInt(range.replaceAll("\\D", ""));
            answer(exchange, 206, Arrays.copyOfRange(body, from, body.length));
        }
    }

    private void note(HttpExchange exchange) {
        requests.add(
                exchange.getRequestURI().getPath()
                        + Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"))
                                .map(range -> " " + range)
                                .orElse("")
                        + Optional.ofNullable(
                                        exchange.getRequestHeaders().getFirst("Authorization"))
                                .map(authorization -> " " + authorization)
                                .orElse(""));
    }

    private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private static String sha256(byte[] bytes) {
        return hash("SHA-256", bytes);
    }

    private static String gitHash(byte[] bytes) {
        byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = Arrays.copyOf(head, head.length + bytes.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        return hash("SHA-1", all);
    }

    private static String hash(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    private HuggingFaceHub hub(boolean offline) {
        return new HuggingFaceHub(
                cache,
                URI.create("http://127.0.0.1:" + server.getAddress().getPort()),
                Optional.of("secret"),
                offline,
                Duration.ofMillis(500),
                Duration.ofMillis(1),
                3);
    }

    /** Makes trouble with the first few answers. */
    private void first(int times, Trouble what) {
        int[] left = {times};
        trouble = (exchange, body) -> left[0]-- > 0 && what.make(exchange, body);
    }

    @Test
    void downloadsWhatAModelNeedsIntoTheOrdinaryCache() throws IOException {
        Path snapshot = hub(false).snapshot("org/model");
        Path repository = cache.resolve("models--org--model");
        assertThat(snapshot).isEqualTo(repository.resolve("snapshots").resolve(COMMIT));
        assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(Files.readString(repository.resolve("refs/main"))).isEqualTo(COMMIT);
        assertThat(repository.resolve("blobs").resolve(sha256(weights))).exists();
        assertThat(repository.resolve("blobs").resolve(gitHash(files.get("config.json")))).exists();
        assertThat(requests).noneMatch(request -> request.contains(".bin"));
        assertThat(requests).noneMatch(request -> request.contains("README"));

        requests.clear();
        assertThat(hub(true).snapshot("org/model")).isEqualTo(snapshot);
        assertThat(hub(false).snapshot("org/model@" + COMMIT)).isEqualTo(snapshot);
        assertThat(requests).isEmpty();
    }

    @Test
    void goesOnWhereADownloadBrokeOff() {
        first(
                2,
                (exchange, body) -> {
                    String range = exchange.getRequestHeaders().getFirst("Range");
                    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
                    exchange.sendResponseHeaders(range == null ? 200 : 206, body.length - from);
                    exchange.getResponseBody().write(body, from, 50_000);
                    exchange.close();
                    return true;
                });
        Path snapshot = hub(false).snapshot("org/model");
        assertThat(snapshot.resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(requests).anyMatch(request -> request.contains("bytes=50000-"));
        assertThat(requests).anyMatch(request -> request.contains("bytes=100000-"));
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 503})
    void triesAgainWhereTheServerIsBusy(int status) {
        first(
                2,
                (exchange, body) -> {
                    answer(exchange, status, new byte[0]);
                    return true;
                });
        assertThat(hub(false).snapshot("org/model").resolve("model.safetensors"))
                .hasBinaryContent(weights);
    }

    @Test
    void triesAgainWhereTheServerStalls() {
        first(
                1,
                (exchange, body) -> {
                    exchange.sendResponseHeaders(200, body.length);
                    exchange.getResponseBody().write(body, 0, 1000);
                    exchange.getResponseBody().flush();
                    try {
                        Thread.sleep(1500);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    exchange.close();
                    return true;
                });
        assertThat(hub(false).snapshot("org/model").resolve("model.safetensors"))
                .hasBinaryContent(weights);
    }

    @Test
    void doesNotKeepWhatHasAnotherHash() {
        trouble =
                (exchange, body) -> {
                    answer(exchange, 200, new byte[body.length]);
                    return true;
                };
        assertThatThrownBy(() -> hub(false).snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("org/model")
                .hasMessageContaining("hash");
        trouble = (exchange, body) -> false;
        assertThat(hub(false).snapshot("org/model").resolve("model.safetensors"))
                .hasBinaryContent(weights);
    }

    @ParameterizedTest
    @CsvSource({"401, HF_TOKEN", "403, licence", "404, no such model", "400, 400"})
    void saysWhatARefusalMeans(int status, String part) {
        trouble =
                (exchange, body) -> {
                    answer(exchange, status, new byte[0]);
                    return true;
                };
        assertThatThrownBy(() -> hub(false).snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(part);
    }

    @Test
    void givesUpAfterAWhile() {
        trouble =
                (exchange, body) -> {
                    answer(exchange, 503, new byte[0]);
                    return true;
                };
        assertThatThrownBy(() -> hub(false).snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("503");
    }

    @Test
    void refusesAModelThatIsNotThere() {
        assertThatThrownBy(() -> hub(false).snapshot("org/other"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("org/other")
                .hasMessageContaining("no such model");
        assertThatThrownBy(() -> hub(true).snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
    }

    @Test
    void refusesPickles() {
        files.remove("model.safetensors");
        assertThatThrownBy(() -> hub(false).snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("pytorch_model.bin")
                .hasMessageContaining("safetensors");
    }

    @Test
    void readsTheEnvironment() {
        assertThat(HuggingFaceHub.isName("org/model@v1.0")).isTrue();
        assertThat(HuggingFaceHub.isName("folder")).isFalse();
        assertThat(HuggingFaceHub.isName("../model")).isFalse();
        assertThat(HuggingFaceHub.isName("a/b/c")).isFalse();
        HuggingFaceHub offline =
                HuggingFaceHub.of(Map.of("HF_HOME", cache.toString(), "HF_HUB_OFFLINE", "1"));
        assertThatThrownBy(() -> offline.snapshot("org/model"))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(cache.resolve("hub").toString());
    }
}
