package io.github.dl4jjepa.models.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a small hub of our own that misbehaves as hubs and networks do. */
class HuggingFaceHubTest {
    private static final String MODEL = "org/model";
    private static final String OTHER_COMMIT = "fedcba9876543210fedcba9876543210fedcba98";
    private static final String WEIGHTS = "model.safetensors";

    @TempDir private Path cache;

    private final Map<String, String> environment = new HashMap<>();
    private FakeHub server;
    private byte[] weights;

    @BeforeEach
    void startAHub() {
        weights = new byte[200_000];
        new Random(1).nextBytes(weights);
        server = new FakeHub();
        server.put("config.json", "{\"model_type\": \"llama\"}");
        server.put("tokenizer.json", "{}");
        server.files().put(WEIGHTS, weights);
        server.put("pytorch_model.bin", "pickle");
        server.put("README.md", "text");
        environment.put("HOME", cache.resolve("home").toString());
        environment.put("HF_HUB_CACHE", cache.toString());
        environment.put("HF_TOKEN", "secret");
    }

    @AfterEach
    void stopTheHub() {
        server.close();
    }

    private HuggingFaceHub hub() {
        environment.putIfAbsent("HF_ENDPOINT", server.endpoint());
        return new HuggingFaceHub(
                HubSettings.of(environment), new HubClient.Retry(3, Duration.ofMillis(1)));
    }

    private HuggingFaceHub offline() {
        environment.put("HF_HUB_OFFLINE", "1");
        return hub();
    }

    private Path folder() {
        return cache.resolve("models--org--model");
    }

    private Path snapshot(String commit) {
        return folder().resolve("snapshots").resolve(commit);
    }

    /** A snapshot of main as another tool leaves it: with these files only. */
    private void cached(String commit, String... files) throws IOException {
        Files.createDirectories(folder().resolve("refs"));
        Files.writeString(folder().resolve("refs/main"), commit);
        Files.createDirectories(snapshot(commit));
        for (String file : files) {
            Files.write(snapshot(commit).resolve(file), server.files().get(file));
        }
    }

    /** Makes trouble with the first few requests for the weights' bytes. */
    private void atFirst(int times, FakeHub.Trouble trouble) {
        int[] left = {times};
        server.trouble =
                (exchange, path) ->
                        path.startsWith("/storage/")
                                && left[0]-- > 0
                                && trouble.make(exchange, path);
    }

    private void assertRefused(HuggingFaceHub hub, String name, String... parts) {
        assertThatThrownBy(() -> hub.snapshot(name))
                .isInstanceOf(JepaException.class)
                .hasMessageContainingAll(parts);
    }

    private static FakeHub.Trouble status(int status) {
        return (exchange, path) -> {
            FakeHub.answer(exchange, status, new byte[0]);
            return true;
        };
    }

    @Test
    void downloadsWhatAModelNeedsIntoTheOrdinaryCache() throws IOException {
        Path snapshot = hub().snapshot(MODEL);
        assertThat(snapshot).isEqualTo(snapshot(FakeHub.COMMIT));
        assertThat(snapshot.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(folder().resolve("refs/main")).hasContent(FakeHub.COMMIT);
        assertThat(folder().resolve("blobs").resolve(FakeHub.sha256(weights))).exists();
        assertThat(snapshot).isDirectoryNotContaining("glob:**{.bin,README.md}");
    }

    @Test
    void asksNothingForASnapshotThatIsWhole() {
        Path snapshot = hub().snapshot(MODEL);
        server.requests.clear();
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot);
        assertThat(hub().snapshot(MODEL + "@" + FakeHub.COMMIT)).isEqualTo(snapshot);
        assertThat(offline().snapshot(MODEL)).isEqualTo(snapshot);
        assertThat(server.requests).isEmpty();
    }

    @Test
    void completesASnapshotThatAnotherToolFilledWithConfigurationAndWeights() throws IOException {
        server.put("chat_template.jinja", "{{ messages }}");
        server.put("additional_chat_templates/tool_use.jinja", "{{ tools }}");
        cached(FakeHub.COMMIT, "config.json", WEIGHTS);
        Path snapshot = hub().snapshot(MODEL);
        assertThat(snapshot.resolve("tokenizer.json")).hasContent("{}");
        assertThat(snapshot.resolve("chat_template.jinja")).hasContent("{{ messages }}");
        assertThat(snapshot.resolve("additional_chat_templates/tool_use.jinja"))
                .hasContent("{{ tools }}");
        assertThat(server.requests(WEIGHTS)).isEmpty();
    }

    @Test
    void saysOfflineWhichFilesTheCacheLacks() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS);
        assertRefused(offline(), MODEL, "lacks tokenizer.json of it", "HF_HUB_OFFLINE");
    }

    @Test
    void usesASnapshotOfflineThatLacksOnlyWhatTheModelMayNotHave() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS, "tokenizer.json");
        assertThat(offline().snapshot(MODEL)).isEqualTo(snapshot(FakeHub.COMMIT));
    }

    @Test
    void usesASnapshotThatLoadsWhereTheHubDoesNotAnswer() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS, "tokenizer.json");
        server.trouble = status(503);
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(FakeHub.COMMIT));
        assertThat(server.requests).hasSize(1);
    }

    @Test
    void doesNotAskForFilesThatAreMarkedAsMissing() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS, "tokenizer.json");
        Path markers = folder().resolve(".no_exist").resolve(FakeHub.COMMIT);
        Files.createDirectories(markers);
        for (String file : HubFiles.fixed()) {
            Files.createFile(markers.resolve(file));
        }
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(FakeHub.COMMIT));
        assertThat(server.requests).isEmpty();
    }

    @Test
    void marksMissingFilesAsHuggingFaceHubDoes() {
        hub().snapshot(MODEL);
        Path markers = folder().resolve(".no_exist").resolve(FakeHub.COMMIT);
        assertThat(markers.resolve("chat_template.jinja")).isEmptyFile();
        assertThat(markers.resolve("tokenizer.json")).doesNotExist();
    }

    @Test
    void trustsTheListOfFilesThatHuggingFaceHubKeeps() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS, "tokenizer.json");
        Path trees = Files.createDirectories(folder().resolve("trees"));
        String entry = "\": {\"size\": 1, \"blob_id\": \"0\"}";
        Files.writeString(
                trees.resolve(FakeHub.COMMIT + ".json"),
                "{\"format_version\": 1, \"files\": {\"config.json"
                        + entry
                        + ", \"model.safetensors"
                        + entry
                        + ", \"tokenizer.json"
                        + entry
                        + "}}");
        hub().snapshot(MODEL);
        assertThat(server.requests).isEmpty();
    }

    @Test
    void aDownloadOfAPinnedRevisionThatBrokeOffIsTakenUpAgain() {
        server.put("tokenizer_config.json", "{}");
        String pinned = MODEL + "@" + FakeHub.COMMIT;
        server.trouble =
                (exchange, path) ->
                        path.endsWith("/tokenizer_config.json") && status(503).make(exchange, path);
        assertRefused(hub(), pinned, "503");
        server.trouble = (exchange, path) -> false;
        assertThat(hub().snapshot(pinned).resolve("tokenizer_config.json")).hasContent("{}");
    }

    @Test
    void aPinnedSnapshotWithoutAShardIsNotWhole() throws IOException {
        cached(FakeHub.COMMIT, "config.json", "tokenizer.json");
        server.files().remove(WEIGHTS);
        server.put("a.safetensors", "a");
        server.put("model.safetensors.index.json", "{\"weight_map\": {\"x\": \"a.safetensors\"}}");
        Files.write(
                snapshot(FakeHub.COMMIT).resolve("model.safetensors.index.json"),
                server.files().get("model.safetensors.index.json"));
        String pinned = MODEL + "@" + FakeHub.COMMIT;
        assertThat(hub().snapshot(pinned).resolve("a.safetensors")).hasContent("a");
    }

    @Test
    void downloadsTheShardsThatTheIndexNamesWhateverTheirNames() {
        server.files().remove(WEIGHTS);
        server.put("weights-a.safetensors", "a");
        server.put("weights-b.safetensors", "b");
        server.put("model-00001-of-00001.safetensors", "not in the index");
        server.put(
                "model.safetensors.index.json",
                "{\"weight_map\": {\"x\": \"weights-a.safetensors\", \"y\":"
                        + " \"weights-b.safetensors\"}}");
        Path snapshot = hub().snapshot(MODEL);
        assertThat(snapshot.resolve("weights-a.safetensors")).hasContent("a");
        assertThat(snapshot.resolve("weights-b.safetensors")).hasContent("b");
        assertThat(snapshot.resolve("model-00001-of-00001.safetensors")).doesNotExist();
    }

    @Test
    void refusesAnIndexThatNamesAShardTheModelDoesNotHave() {
        server.files().remove(WEIGHTS);
        server.put("model.safetensors.index.json", "{\"weight_map\": {\"x\": \"gone\"}}");
        assertRefused(hub(), MODEL, "model.safetensors.index.json", "gone");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../x.safetensors", "/x.safetensors", "a\\\\b", "c:x"})
    void refusesFileNamesThatLeadOutOfTheCache(String name) {
        server.files().remove(WEIGHTS);
        server.put(name, "x");
        server.put("model.safetensors.index.json", "{\"weight_map\": {\"x\": \"" + name + "\"}}");
        assertRefused(hub(), MODEL, "unusable name");
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void downloadsCodeOnlyWhereTheConfigurationNamesIt(boolean named) {
        server.put("modeling_x.py", "class X: pass");
        server.put("helper.py", "");
        if (named) {
            server.put("config.json", "{\"auto_map\": {\"AutoModel\": \"modeling_x.X\"}}");
        }
        Path snapshot = hub().snapshot(MODEL);
        assertThat(Files.exists(snapshot.resolve("modeling_x.py"))).isEqualTo(named);
        assertThat(Files.exists(snapshot.resolve("helper.py"))).isEqualTo(named);
    }

    @Test
    void refusesPickles() {
        server.files().remove(WEIGHTS);
        assertRefused(hub(), MODEL, "pytorch_model.bin", "refs/pr/");
    }

    @Test
    void saysThatAnAdapterIsNotAModel() {
        server.files().remove("config.json");
        server.put("adapter_config.json", "{}");
        assertRefused(hub(), MODEL, "no config.json", "adapter");
    }

    @Test
    void completesTheCachedCommitWhereMainHasMovedOn() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS);
        moveMain();
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(FakeHub.COMMIT));
        assertThat(server.requests(WEIGHTS)).isEmpty();
    }

    @Test
    void takesTheNewCommitWhereTheCachedOneHasNoWeights() throws IOException {
        cached(FakeHub.COMMIT, "config.json");
        moveMain();
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(OTHER_COMMIT));
        assertThat(folder().resolve("refs/main")).hasContent(OTHER_COMMIT);
    }

    @Test
    void takesTheNewCommitWhereTheHubNoLongerHasTheCachedOne() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS);
        moveMain();
        server.revisions.remove(FakeHub.COMMIT);
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(OTHER_COMMIT));
    }

    private void moveMain() {
        server.revisions.put(OTHER_COMMIT, Map.copyOf(server.files()));
        server.commits.put("main", OTHER_COMMIT);
    }

    @Test
    void readsRevisionsWithSlashes() {
        server.commits.put("refs/pr/1", FakeHub.COMMIT);
        hub().snapshot(MODEL + "@refs/pr/1");
        assertThat(folder().resolve("refs/refs/pr/1")).hasContent(FakeHub.COMMIT);
    }

    @Test
    void readsNamesWithoutANamespace() {
        server.model = "gpt2";
        hub().snapshot("gpt2");
        assertThat(cache.resolve("models--gpt2/refs/main")).hasContent(FakeHub.COMMIT);
    }

    @Test
    void putsTheEndpointsPathBeforeEveryAddress() {
        server.prefix = "/artifactory/api/huggingfaceml/repo";
        environment.put("HF_ENDPOINT", server.endpoint() + "/");
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    private Path part() {
        return folder().resolve("blobs").resolve(FakeHub.sha256(weights) + ".dl4j-jepa.incomplete");
    }

    @Test
    void resumesWhereADownloadBrokeOff() {
        atFirst(
                2,
                (exchange, path) -> {
                    int from = FakeHub.from(exchange);
                    exchange.sendResponseHeaders(from == 0 ? 200 : 206, weights.length - from);
                    exchange.getResponseBody().write(weights, from, 50_000);
                    exchange.getResponseBody().flush();
                    while (!Files.exists(part()) || Files.size(part()) < from + 50_000) {
                        Thread.onSpinWait(); // a closed connection may lose what is under way
                    }
                    return true;
                });
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.requests("/storage/"))
                .extracting(request -> request.replaceFirst(".* ", ""))
                .endsWith("bytes=50000-", "bytes=100000-")
                .hasSize(3);
    }

    @Test
    void resumesWhatAnEarlierProcessLeft() throws IOException {
        Files.createDirectories(part().getParent());
        Files.write(part(), Arrays.copyOf(weights, 1000));
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.requests("/storage/")).allMatch(r -> r.contains("bytes=1000-"));
        assertThat(part()).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 503})
    void triesAgainWhereTheServerIsBusy(int status) {
        atFirst(2, status(status));
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void waitsAsLongAsABusyServerAsks() {
        atFirst(
                1,
                (exchange, path) -> {
                    exchange.getResponseHeaders().add("Retry-After", "1");
                    return status(429).make(exchange, path);
                });
        long start = System.nanoTime();
        hub().snapshot(MODEL);
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isGreaterThan(Duration.ofSeconds(1));
    }

    @Test
    void triesAgainWhereTheServerStalls() {
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "1");
        var end = new CountDownLatch(1);
        atFirst(
                1,
                (exchange, path) -> {
                    exchange.sendResponseHeaders(200, weights.length);
                    exchange.getResponseBody().write(weights, 0, 1000);
                    exchange.getResponseBody().flush();
                    try {
                        end.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return true;
                });
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
        end.countDown();
    }

    @Test
    void doesNotKeepWhatHasAnotherHash() {
        atFirst(
                3,
                (exchange, path) -> {
                    FakeHub.answer(exchange, 200, new byte[weights.length]);
                    return true;
                });
        assertRefused(hub(), MODEL, WEIGHTS, "hash");
        assertThat(hub().snapshot(MODEL).resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void doesNotKeepWhatIsShorterThanTheHubSays() {
        atFirst(
                3,
                (exchange, path) -> {
                    FakeHub.answer(exchange, 200, Arrays.copyOf(weights, 1000));
                    return true;
                });
        assertRefused(hub(), MODEL, "broke off after 1000 of 200000 bytes");
    }

    private static boolean loginPage(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().add("Content-Type", "text/html");
        exchange.getResponseHeaders().add("ETag", "\"page\"");
        FakeHub.answer(exchange, 200, "<html>Log in</html>".getBytes(StandardCharsets.UTF_8));
        return true;
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/", "/resolve/", "/storage/"})
    void refusesTheLoginPageOfANetwork(String part) {
        server.trouble = (exchange, path) -> path.contains(part) && loginPage(exchange);
        assertRefused(hub(), MODEL, "login page", "HF_ENDPOINT", "HTTPS_PROXY");
    }

    @Test
    void keepsTheTokenOnTheWayToARenamedModel() {
        server.token = "secret";
        Path snapshot = hub().snapshot(FakeHub.FORMER);
        assertThat(snapshot.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(snapshot).startsWith(cache.resolve("models--old--name"));
        assertThat(server.requests("/" + FakeHub.FORMER + "/")).isNotEmpty();
    }

    @Test
    void doesNotSendTheTokenToAnotherHost() {
        hub().snapshot(MODEL);
        assertThat(server.requests("/storage/")).hasSize(1).noneMatch(r -> r.contains("secret"));
        assertThat(server.requests("/resolve/")).isNotEmpty().allMatch(r -> r.contains("secret"));
    }

    @Test
    void saysThatAModelIsNotThereOrPrivate() {
        environment.remove("HF_TOKEN");
        server.token = "secret";
        assertRefused(hub(), MODEL, "no such model", "private", "hf auth login", "HF_TOKEN");
    }

    @Test
    void saysWhichTokenMayNotReadAModel() {
        server.token = "other";
        assertRefused(hub(), MODEL, "no such model", "token from HF_TOKEN");
    }

    @Test
    void saysThatATokenIsInvalid() {
        server.trouble =
                (exchange, path) -> {
                    exchange.getResponseHeaders()
                            .add("X-Error-Message", "Invalid credentials in Authorization header");
                    return status(401).make(exchange, path);
                };
        assertRefused(hub(), MODEL, "token from HF_TOKEN is wrong or has expired");
    }

    @Test
    void saysThatAModelIsGated() {
        server.gated = true;
        assertRefused(
                hub(), MODEL, "gated", "accept its terms at " + server.endpoint() + "/org/model");
    }

    @Test
    void saysThatARevisionIsNotThere() {
        assertRefused(hub(), MODEL + "@v9", "no revision v9");
    }

    @Test
    void saysThatTheModelIsNotThere() {
        assertRefused(hub(), "org/other", "org/other", "no such model");
    }

    @Test
    void givesUpAfterAWhile() {
        atFirst(99, status(503));
        assertRefused(hub(), MODEL, "503", "No proxy is set", "HTTPS_PROXY");
        assertThat(server.requests("/storage/")).hasSize(3);
    }

    @Test
    void namesTheHostAndTheProxySettingsWhereNothingAnswers() {
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        assertRefused(hub(), MODEL, "hub.invalid", "-Dhttps.proxyHost");
    }

    @Test
    void namesTheVariableOfACacheThatCannotBeWritten() throws IOException {
        Files.createDirectories(folder());
        Files.createFile(folder().resolve("blobs"));
        assertRefused(hub(), MODEL, folder().toString(), "HF_HUB_CACHE");
    }

    @Test
    void usesACacheThatCannotBeWritten() throws IOException {
        cached(FakeHub.COMMIT, "config.json", WEIGHTS, "tokenizer.json");
        Files.createFile(folder().resolve(".no_exist"));
        assertThat(hub().snapshot(MODEL)).isEqualTo(snapshot(FakeHub.COMMIT));
    }

    @Test
    void movesFilesIntoTheSnapshotWhereLinksAreDisabled() {
        environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
        Path snapshot = hub().snapshot(MODEL);
        assertThat(snapshot.resolve(WEIGHTS)).isRegularFile().hasBinaryContent(weights);
        assertThat(Files.isSymbolicLink(snapshot.resolve(WEIGHTS))).isFalse();
        assertThat(folder().resolve("blobs")).isEmptyDirectory();
    }

    @Test
    void copiesABlobOfAnotherRevisionWhereLinksAreDisabled() throws IOException {
        hub().snapshot(MODEL);
        moveMain();
        environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
        server.requests.clear();
        Path snapshot = hub().snapshot(MODEL + "@" + OTHER_COMMIT);
        assertThat(Files.isSymbolicLink(snapshot.resolve(WEIGHTS))).isFalse();
        assertThat(snapshot.resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.requests("/storage/")).isEmpty();
    }

    @Test
    void twoThreadsDownloadABlobOnce() throws Exception {
        HuggingFaceHub hub = hub();
        var threads = Executors.newFixedThreadPool(4);
        try {
            Callable<Path> download = () -> hub.snapshot(MODEL);
            for (Future<Path> done : threads.invokeAll(List.of(download, download, download))) {
                assertThat(done.get().resolve(WEIGHTS)).hasBinaryContent(weights);
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(server.requests("/storage/")).hasSize(1);
    }
}
