package io.github.dl4jjepa.models.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Proxies and TLS, with a certificate of the test's own. The host hub.invalid is not known to DNS.
 */
class HubNetworkTest {
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir private static Path keys;
    private static SSLContext tls;
    private static SSLSocketFactory usual;

    @TempDir private Path cache;

    private final Map<String, String> environment = new HashMap<>();
    private FakeHub plain;
    private FakeHub secure;
    private ConnectProxy proxy;

    @BeforeAll
    static void trustACertificate() throws Exception {
        Path store = keys.resolve("keys.p12");
        Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
        new ProcessBuilder(
                        List.of(
                                keytool.toString(),
                                "-genkeypair",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=test",
                                "-ext",
                                "san=dns:hub.invalid,dns:localhost,ip:127.0.0.1",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                new String(PASSWORD)))
                .redirectErrorStream(true)
                .redirectOutput(keys.resolve("log").toFile())
                .start()
                .waitFor();
        KeyStore loaded = KeyStore.getInstance(store.toFile(), PASSWORD);
        var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(loaded, PASSWORD);
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("test", loaded.getCertificate("mykey"));
        var trustManagers =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(trusted);
        tls = SSLContext.getInstance("TLS");
        tls.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        usual = HttpsURLConnection.getDefaultSSLSocketFactory();
        HttpsURLConnection.setDefaultSSLSocketFactory(tls.getSocketFactory());
    }

    @AfterAll
    static void trustTheUsualCertificates() {
        HttpsURLConnection.setDefaultSSLSocketFactory(usual);
    }

    @BeforeEach
    void startServers() throws IOException {
        plain = filled(new FakeHub());
        HttpsServer server =
                HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        secure = filled(new FakeHub(server, "https"));
        proxy = new ConnectProxy();
        environment.put("HOME", cache.toString());
        environment.put("HF_HOME", cache.toString());
        environment.put("HF_TOKEN", "secret");
        environment.put("HF_ENDPOINT", "https://hub.invalid:" + secure.port());
    }

    private static FakeHub filled(FakeHub hub) {
        hub.put("config.json", "{}");
        hub.put("tokenizer.json", "{}");
        hub.put("model.safetensors", "weights");
        return hub;
    }

    @AfterEach
    void stopServers() throws IOException {
        plain.close();
        secure.close();
        proxy.close();
    }

    /** A proxy that tunnels to this machine, whatever host it is asked for. */
    private static final class ConnectProxy implements AutoCloseable {
        private final ServerSocket server =
                new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        private final ExecutorService threads = Executors.newCachedThreadPool();
        private final List<String> heads = new CopyOnWriteArrayList<>();
        private volatile String authorization;

        ConnectProxy() throws IOException {
            Future<?> unused =
                    threads.submit(
                            () -> {
                                while (true) {
                                    Socket client = server.accept();
                                    Future<?> unusedReply = threads.submit(() -> serve(client));
                                }
                            });
        }

        private Void serve(Socket client) throws IOException {
            StringBuilder read = new StringBuilder();
            while (read.indexOf("\r\n\r\n") < 0) {
                read.append((char) client.getInputStream().read());
            }
            String head = read.toString();
            heads.add(head);
            boolean allowed =
                    authorization == null
                            || head.contains("Proxy-Authorization: " + authorization + "\r\n");
            String status = allowed ? "200 OK" : "407 Proxy Authentication Required";
            byte[] answer = ("HTTP/1.1 " + status + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII);
            client.getOutputStream().write(answer);
            if (allowed) {
                int port = Integer.parseInt(head.split("[: ]")[2]);
                Socket target = new Socket(InetAddress.getLoopbackAddress(), port);
                Future<?> unused = threads.submit(() -> pump(client, target));
                pump(target, client);
            }
            client.close();
            return null;
        }

        private static Void pump(Socket from, Socket to) throws IOException {
            try (from;
                    to) {
                InputStream in = from.getInputStream();
                byte[] buffer = new byte[1 << 14];
                for (int read; (read = in.read(buffer)) >= 0; ) {
                    to.getOutputStream().write(buffer, 0, read);
                }
            }
            return null;
        }

        String address() {
            return "127.0.0.1:" + server.getLocalPort();
        }

        @Override
        public void close() throws IOException {
            server.close();
            threads.shutdownNow();
        }
    }

    private Path download() {
        return new HuggingFaceHub(
                        HubSettings.of(environment), new HubClient.Retry(1, Duration.ofMillis(1)))
                .snapshot("org/model")
                .resolve("model.safetensors");
    }

    @Test
    void reachesTheHubThroughTheProxyOfTheEnvironment() {
        environment.put("https_proxy", proxy.address());
        assertThat(download()).hasContent("weights");
        assertThat(proxy.heads).anyMatch(head -> head.startsWith("CONNECT hub.invalid:"));
    }

    @Test
    void givesAProxyThatTunnelsItsUserAndPassword() {
        proxy.authorization = "Basic dXNlcjpwQHNz"; // user:p@ss
        environment.put("HTTPS_PROXY", "http://user:p%40ss@" + proxy.address());
        assertThat(download()).hasContent("weights");
    }

    @Test
    void doesNotGiveTheTokenToAProxyThatTunnels() {
        environment.put("HTTPS_PROXY", proxy.address());
        download();
        assertThat(proxy.heads).isNotEmpty().noneMatch(head -> head.contains("secret"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "user:wrong@"})
    void saysWhatAProxyRequires(String user) {
        proxy.authorization = "Basic dXNlcjpwQHNz";
        environment.put("HTTPS_PROXY", "http://" + user + proxy.address());
        assertThatThrownBy(this::download)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("407")
                .hasMessageContaining("http://user:password@host:port")
                .hasMessageContaining("(HTTPS_PROXY)")
                .hasMessageNotContaining("wrong");
    }

    @Test
    void reachesAPlainHubThroughAProxyWithUserAndPassword() {
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        environment.put("HTTP_PROXY", "http://user:p%40ss@127.0.0.1:" + plain.port());
        assertThat(download()).hasContent("weights");
        assertThat(plain.requests)
                .allMatch(request -> request.endsWith("proxy Basic dXNlcjpwQHNz"));
    }

    @Test
    void asksAHubOfNoProxyDirectly() {
        environment.put("HF_ENDPOINT", plain.endpoint());
        environment.put("ALL_PROXY", "http://proxy.invalid:1");
        environment.put("NO_PROXY", "127.0.0.1,localhost");
        assertThat(download()).hasContent("weights");
    }

    @Test
    void namesTheProxyThatDoesNotAnswer() {
        environment.put("ALL_PROXY", "http://proxy.invalid:1");
        assertThatThrownBy(this::download)
                .isInstanceOf(JepaException.class)
                .hasMessageContaining("proxy.invalid:1 (ALL_PROXY)");
    }

    @Test
    void javasOwnProxyPropertiesComeFirst() {
        environment.put("HF_ENDPOINT", "http://hub.invalid");
        environment.put("HTTP_PROXY", "http://proxy.invalid:1");
        System.setProperty("http.proxyHost", "127.0.0.1");
        System.setProperty("http.proxyPort", String.valueOf(plain.port()));
        System.setProperty("http.nonProxyHosts", "");
        try {
            assertThat(download()).hasContent("weights");
        } finally {
            System.clearProperty("http.proxyHost");
            System.clearProperty("http.proxyPort");
            System.clearProperty("http.nonProxyHosts");
        }
    }

    @Test
    void doesNotSendTheTokenWhereARedirectLeavesTls() {
        environment.put("HF_ENDPOINT", secure.endpoint());
        secure.trouble =
                (exchange, path) -> {
                    exchange.getResponseHeaders().add("Location", plain.endpoint() + path);
                    FakeHub.answer(exchange, 307, new byte[0]);
                    return true;
                };
        assertThatThrownBy(this::download).isInstanceOf(JepaException.class);
        assertThat(secure.requests).allMatch(request -> request.contains("secret"));
        assertThat(plain.requests).isNotEmpty().noneMatch(request -> request.contains("secret"));
    }

    @Test
    void saysHowJavaTrustsACertificateThatItDoesNotKnow() {
        environment.put("HF_ENDPOINT", secure.endpoint());
        HttpsURLConnection.setDefaultSSLSocketFactory(usual);
        try {
            assertThatThrownBy(this::download)
                    .isInstanceOf(JepaException.class)
                    .hasMessageContaining("-Djavax.net.ssl.trustStore");
        } finally {
            HttpsURLConnection.setDefaultSSLSocketFactory(tls.getSocketFactory());
        }
    }
}
