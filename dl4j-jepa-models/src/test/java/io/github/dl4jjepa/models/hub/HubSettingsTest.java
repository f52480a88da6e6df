package io.github.dl4jjepa.models.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what huggingface_hub makes of the same environments (hub_goldens.py). */
class HubSettingsTest {
    private static final JsonNode GOLDENS = goldens();

    @TempDir private Path folder;

    private static JsonNode goldens() {
        try (InputStream in = HubSettingsTest.class.getResourceAsStream("goldens.json")) {
            return new ObjectMapper().readTree(in);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static Stream<JsonNode> golden(String key) {
        return StreamSupport.stream(GOLDENS.path(key).spliterator(), false);
    }

    static Stream<JsonNode> settings() {
        return golden("settings");
    }

    static Stream<JsonNode> proxies() {
        return golden("proxies");
    }

    static Stream<Map.Entry<String, JsonNode>> names() {
        return GOLDENS.path("names").properties().stream();
    }

    private Map<String, String> environment(JsonNode golden) {
        Map<String, String> environment = new HashMap<>();
        golden.path("environment")
                .properties()
                .forEach(
                        variable ->
                                environment.put(
                                        variable.getKey(), real(variable.getValue().asText())));
        return environment;
    }

    private String real(String text) {
        return text.replace("TMP", folder.toString());
    }

    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the goldens' paths are those of Unix")
    @ParameterizedTest
    @MethodSource("settings")
    void readsVariablesAsHuggingFaceHubDoes(JsonNode golden) throws IOException {
        for (Map.Entry<String, JsonNode> file : GOLDENS.path("files").properties()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue().asText());
        }
        HubSettings settings = HubSettings.of(environment(golden));
        assertThat(settings.cache()).isEqualTo(Path.of(real(golden.path("cache").asText())));
        assertThat(settings.endpoint()).isEqualTo(URI.create(golden.path("endpoint").asText()));
        assertThat(settings.token())
                .isEqualTo(Optional.ofNullable(golden.path("token").textValue()));
        assertThat(settings.offline()).isEqualTo(golden.path("offline").asBoolean());
        assertThat(settings.metadataTimeout())
                .isEqualTo(Duration.ofSeconds(golden.path("metadataTimeout").asInt()));
        assertThat(settings.downloadTimeout())
                .isEqualTo(Duration.ofSeconds(golden.path("downloadTimeout").asInt()));
        assertThat(settings.links()).isEqualTo(golden.path("links").asBoolean());
        assertThat(settings.warnsOfCopies()).isEqualTo(golden.path("warnsOfCopies").asBoolean());
    }

    @ParameterizedTest
    @MethodSource("proxies")
    void choosesProxiesAsHttpxDoes(JsonNode golden) {
        ProxySettings settings = ProxySettings.of(environment(golden));
        golden.path("chosen")
                .properties()
                .forEach(
                        choice ->
                                assertThat(
                                                settings.proxyFor(URI.create(choice.getKey()))
                                                        .map(this::show))
                                        .as(choice.getKey())
                                        .isEqualTo(show(choice.getValue())));
    }

    private String show(HubProxy proxy) {
        return proxy.host()
                + " "
                + proxy.port()
                + " "
                + proxy.authorization().map(HubSettingsTest::user).orElse(null);
    }

    private static Optional<String> show(JsonNode proxy) {
        return proxy.isNull()
                ? Optional.empty()
                : Optional.of(
                        proxy.path("host").asText()
                                + " "
                                + proxy.path("port").asInt()
                                + " "
                                + proxy.path("user").textValue());
    }

    private static String user(String authorization) {
        byte[] decoded = Base64.getDecoder().decode(authorization.replace("Basic ", ""));
        return new String(decoded, StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @MethodSource("names")
    void takesTheNamesThatHuggingFaceHubTakes(Map.Entry<String, JsonNode> golden) {
        assertThat(HuggingFaceHub.isName(golden.getKey())).isEqualTo(golden.getValue().asBoolean());
    }

    @ParameterizedTest
    @CsvSource({"org/model@v1.0, v1.0", "gpt2@refs/pr/1, refs/pr/1", "org/model, main"})
    void readsRevisions(String text, String revision) {
        assertThat(HubName.parse(text)).map(HubName::revision).contains(revision);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b@", "a/b@../c", "a/b@/c", "a/b@c/", "a/b@c//d", "a@b@c", "a/b@a b"})
    void refusesRevisionsThatAreNotReferences(String text) {
        assertThat(HuggingFaceHub.isName(text)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "org\\model, org/model",
        "https://huggingface.co/org/model, name alone",
        "hf://org/model, name alone",
        "datasets/org/data, dataset",
        "spaces/org/app, space",
        "a/b/c/d, org/name@revision"
    })
    void saysWhatToWriteInsteadOfAnUnusableName(String text, String part) {
        assertThat(HuggingFaceHub.advice(text)).contains(part);
    }

    @ParameterizedTest
    @CsvSource({
        "HF_HUB_DOWNLOAD_TIMEOUT, soon",
        "HF_HUB_ETAG_TIMEOUT, -1",
        "HF_ENDPOINT, mirror",
        "HF_ENDPOINT, http://hf_mirror:8080",
        "HF_HUB_ETAG_TIMEOUT, 2147483647",
        "HF_ENDPOINT, ftp://mirror/",
        "HF_ENDPOINT, 'http://a b'"
    })
    void refusesUnusableValuesByTheVariablesName(String variable, String value) {
        assertThatThrownBy(() -> HubSettings.of(Map.of(variable, value)))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining(variable)
                .hasMessageContaining(value);
    }

    @Test
    void remembersATokenFileThatCannotBeReadForTheMessageOfARefusal() {
        HubSettings settings = HubSettings.of(Map.of("HF_TOKEN_PATH", folder.toString()));
        assertThat(settings.token()).isEmpty();
        assertThat(settings.tokenSource()).isEqualTo(folder + " cannot be read");
    }

    @Test
    void doesNotPrintTheToken() {
        assertThat(HubSettings.of(Map.of("HF_TOKEN", "hf_secret")).toString())
                .doesNotContain("hf_secret");
    }

    @ParameterizedTest
    @CsvSource({
        "https://user:secret@proxy:8080, https://",
        "socks5://user:secret@proxy, java.net.socks.username",
        "http://user:secret@, user:password"
    })
    void refusesUnusableProxiesWithoutPrintingThePassword(String value, String part) {
        ProxySettings settings = ProxySettings.of(Map.of("HTTPS_PROXY", value));
        assertThatThrownBy(() -> settings.proxyFor(URI.create("https://huggingface.co")))
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("HTTPS_PROXY")
                .hasMessageContaining(part)
                .hasMessageNotContaining("secret");
    }

    @Test
    void takesSocksProxies() {
        ProxySettings settings = ProxySettings.of(Map.of("ALL_PROXY", "socks5h://proxy"));
        assertThat(settings.proxyFor(URI.create("https://huggingface.co")))
                .map(HubProxy::toString)
                .contains("proxy:1080 (ALL_PROXY)");
    }
}
