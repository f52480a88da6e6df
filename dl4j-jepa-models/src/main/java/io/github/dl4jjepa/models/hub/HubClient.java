package io.github.dl4jjepa.models.hub;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.dl4jjepa.core.JepaException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocketFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Requests about one model: through proxies, along redirects, repeated where that may help. */
final class HubClient {
    private static final Logger LOG = LoggerFactory.getLogger(HubClient.class);
    private static final ObjectMapper JSON = new ObjectMapper();

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern BLOB = Pattern.compile("\\w[\\w.-]*");
    private static final Pattern NOT_IN_URI = Pattern.compile("[^\\x21-\\x7e]|[\"<>\\\\^`{|}]");
    private static final int REDIRECTS = 20;
    private static final int BUFFER = 1 << 16;
    private static final long BYTES_PER_REPORT = 100_000_000;
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

    private final HubSettings settings;
    private final HubName name;
    private final Retry retry;
    private final Map<HubProxy, SSLSocketFactory> tunnels = new ConcurrentHashMap<>();

    /**
     * @param attempts for each request, of which those that bring a file further do not count
     * @param pause before the second attempt; doubled before each further one
     */
    record Retry(int attempts, Duration pause) {}

    /**
     * The facts about a file.
     *
     * @param etag the name of its blob: SHA-256 of a large file, git's SHA-1 of a small one, or
     *     whatever else a mirror gives
     * @param size its size; -1 if the server does not say
     */
    record FileFacts(String etag, long size) {}

    private interface Request<T> {
        T send() throws IOException;
    }

    /** A failure that a later attempt may not meet. */
    private static final class Transient extends IOException {
        private static final long serialVersionUID = 1L;

        private final Duration pause;

        Transient(String message) {
            this(message, Duration.ZERO);
        }

        /**
         * @param pause at least this long before the next attempt
         */
        Transient(String message, Duration pause) {
            super(message);
            this.pause = pause;
        }
    }

    HubClient(HubSettings settings, HubName name, Retry retry) {
        this.settings = settings;
        this.name = name;
        this.retry = retry;
    }

    /**
     * What the hub says about the model at a revision: {@code sha} and {@code siblings}.
     *
     * @throws HubRefusal if it may not be read or is not there
     * @throws IOException if the network fails
     */
    JsonNode information(String revision) throws IOException {
        URI uri = uri("/api/models/" + name.repository() + "/revision/" + quote(revision));
        return retried(
                () -> {
                    HttpURLConnection connection =
                            follow("GET", uri, 0, settings.metadataTimeout());
                    try (InputStream in = connection.getInputStream()) {
                        JsonNode answer = JSON.readTree(in);
                        if (HubName.isCommit(answer.path("sha").asText())) {
                            return answer;
                        }
                    } catch (JsonProcessingException e) {
                        LOG.debug("{}: no JSON", uri, e);
                    }
                    throw noHub(connection, "names no commit of " + name);
                },
                () -> 0);
    }

    /**
     * Asks for a file's facts without its content. They are in the headers of the hub's own answer,
     * which may redirect to a storage host.
     */
    FileFacts facts(String commit, String file) throws IOException {
        return retried(() -> askFacts(uri(commit, file)), () -> 0);
    }

    private FileFacts askFacts(URI uri) throws IOException {
        URI at = uri;
        for (int redirect = 0; redirect <= REDIRECTS; redirect++) {
            HttpURLConnection connection = request("HEAD", at, 0, settings.metadataTimeout());
            int status = status(connection);
            Optional<URI> next = redirection(connection, at, status);
            Optional<String> linked = header(connection, "X-Linked-Etag");
            if (next.isPresent() && linked.isEmpty() && isOwn(next.get())) {
                at = next.get();
                continue;
            }
            refuse(connection, at, status);
            Optional<String> etag = linked.or(() -> header(connection, "ETag"));
            String blob = etag.orElse("").replaceFirst("^W/", "").replace("\"", "");
            if (header(connection, "X-Repo-Commit").isEmpty() || !BLOB.matcher(blob).matches()) {
                throw noHub(connection, "gives no X-Repo-Commit and ETag for " + show(uri));
            }
            long size =
                    header(connection, "X-Linked-Size")
                            .filter(value -> value.matches("\\d{1,18}"))
                            .map(Long::parseLong)
                            .orElse(next.isPresent() ? -1 : connection.getContentLengthLong());
            return new FileFacts(blob, size);
        }
        throw tooManyRedirects(uri);
    }

    /**
     * Downloads a file, from where an earlier download broke off, and checks size and hash.
     *
     * @param part the file with the bytes that have arrived so far
     */
    void download(String commit, String file, FileFacts facts, Path part) throws IOException {
        LOG.info("Downloading {} of {}", file, name);
        retried(
                () -> {
                    if (!Files.exists(part) || size(part) != facts.size()) {
                        receive(uri(commit, file), file, facts.size(), part);
                    }
                    verify(part, facts, show(uri(commit, file)));
                    return part;
                },
                () -> size(part));
    }

    private void receive(URI uri, String file, long size, Path part) throws IOException {
        long there = size(part);
        if (size >= 0 && there > size) {
            there = 0;
        }
        HttpURLConnection connection = follow("GET", uri, there, settings.downloadTimeout());
        if (header(connection, "Content-Type").orElse("").startsWith("text/html")) {
            throw noHub(connection, "sends a web page for " + file);
        }
        boolean resumed = connection.getResponseCode() == HttpURLConnection.HTTP_PARTIAL;
        long bytes = resumed ? there : 0;
        long length = connection.getContentLengthLong();
        long total = size >= 0 || length < 0 ? size : bytes + length;
        try (InputStream in = connection.getInputStream();
                OutputStream out =
                        Files.newOutputStream(
                                part,
                                StandardOpenOption.CREATE,
                                resumed
                                        ? StandardOpenOption.APPEND
                                        : StandardOpenOption.TRUNCATE_EXISTING)) {
            byte[] buffer = new byte[BUFFER];
            for (int read; (read = in.read(buffer)) >= 0; ) {
                write(out, buffer, read, part);
                bytes += read;
                if (bytes / BYTES_PER_REPORT > (bytes - read) / BYTES_PER_REPORT) {
                    String of = total < 0 ? "" : " of " + total / 1_000_000;
                    LOG.info("{}: {} MB{}", file, bytes / 1_000_000, of);
                }
            }
        }
        if (total >= 0 && bytes < total) {
            throw new Transient(
                    show(uri) + ": broke off after " + bytes + " of " + total + " bytes");
        }
    }

    /** A full disk is not a failure of the network. */
    private static void write(OutputStream out, byte[] buffer, int length, Path part)
            throws FileSystemException {
        try {
            out.write(buffer, 0, length);
        } catch (IOException e) {
            var failure = new FileSystemException(part.toString(), null, e.getMessage());
            failure.initCause(e);
            throw failure;
        }
    }

    /** A hash in the ETag is checked: SHA-256 of large files, git's SHA-1 of small ones. */
    private static void verify(Path part, FileFacts facts, String address) throws IOException {
        long size = Files.size(part);
        String expected = facts.etag();
        boolean sha256 = SHA256.matcher(expected).matches();
        String found = expected;
        if (sha256 || HubName.isCommit(expected)) {
            found = hash(part, sha256 ? "SHA-256" : "SHA-1", sha256 ? "" : "blob " + size + "\0");
        }
        if (!found.equals(expected) || facts.size() >= 0 && size != facts.size()) {
            Files.delete(part);
            throw new Transient(
                    String.format(
                            Locale.ROOT,
                            "%s: %d bytes with the hash %s arrived, not %d with %s",
                            address,
                            size,
                            found,
                            facts.size(),
                            expected));
        }
    }

    private static String hash(Path file, String algorithm, String head) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            digest.update(head.getBytes(StandardCharsets.US_ASCII));
            byte[] buffer = new byte[BUFFER];
            for (int read; (read = in.read(buffer)) >= 0; ) {
                digest.update(buffer, 0, read);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Follows redirects to the answer. */
    private HttpURLConnection follow(String method, URI uri, long from, Duration timeout)
            throws IOException {
        URI at = uri;
        for (int redirect = 0; redirect <= REDIRECTS; redirect++) {
            HttpURLConnection connection = request(method, at, from, timeout);
            int status = status(connection);
            Optional<URI> next = redirection(connection, at, status);
            if (next.isPresent()) {
                at = next.get();
            } else if (status == 416 && from > 0) { // more bytes have arrived than the file has
                return follow(method, uri, 0, timeout);
            } else {
                refuse(connection, at, status);
                return connection;
            }
        }
        throw tooManyRedirects(uri);
    }

    private IOException tooManyRedirects(URI uri) {
        return new IOException(show(uri) + ": redirects more than " + REDIRECTS + " times");
    }

    private static Optional<URI> redirection(HttpURLConnection connection, URI at, int status)
            throws IOException {
        if (status / 100 != 3) {
            return Optional.empty();
        }
        String location = connection.getHeaderField("Location");
        connection.disconnect();
        if (location == null) {
            throw new IOException(show(at) + ": answers " + status + " without a Location");
        }
        try {
            URI next = at.resolve(NOT_IN_URI.matcher(location).replaceAll(m -> quote(m.group())));
            if (next.getHost() != null && next.getScheme().matches("(?i)https?")) {
                return Optional.of(next);
            }
        } catch (IllegalArgumentException e) {
            LOG.debug("{}: redirects to {}", at, location, e);
        }
        throw new IOException(show(at) + ": redirects to something that is not a web address");
    }

    private HttpURLConnection request(String method, URI uri, long from, Duration timeout)
            throws IOException {
        HttpURLConnection connection = open(uri);
        connection.setRequestMethod(method);
        connection.setInstanceFollowRedirects(false);
        connection.setConnectTimeout(Math.toIntExact(timeout.toMillis()));
        connection.setReadTimeout(Math.toIntExact(timeout.toMillis()));
        connection.setRequestProperty("User-Agent", "dl4j-jepa");
        connection.setRequestProperty("Accept-Encoding", "identity");
        if (isOwn(uri) && settings.token().isPresent()) {
            connection.setRequestProperty("Authorization", "Bearer " + settings.token().get());
        }
        if (from > 0) {
            connection.setRequestProperty("Range", "bytes=" + from + "-");
        }
        return connection;
    }

    /** Java's own proxy properties come first, then the environment, then the system's proxies. */
    private HttpURLConnection open(URI uri) throws IOException {
        HubProxy proxy = environmentProxy(uri).orElse(null);
        if (proxy == null) {
            return (HttpURLConnection) uri.toURL().openConnection();
        }
        if (proxy.type() == Proxy.Type.HTTP && uri.getScheme().equalsIgnoreCase("https")) {
            var connection = (HttpsURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
            connection.setSSLSocketFactory(
                    tunnels.computeIfAbsent(
                            proxy,
                            used ->
                                    new ProxyTunnel(
                                            used,
                                            HttpsURLConnection.getDefaultSSLSocketFactory())));
            return connection;
        }
        var connection = (HttpURLConnection) uri.toURL().openConnection(proxy.toProxy());
        proxy.authorization()
                .ifPresent(value -> connection.setRequestProperty("Proxy-Authorization", value));
        return connection;
    }

    private Optional<HubProxy> environmentProxy(URI uri) {
        return javaProxy(uri).isPresent() ? Optional.empty() : settings.proxies().proxyFor(uri);
    }

    private static Optional<String> javaProxy(URI uri) {
        String property = uri.getScheme().equalsIgnoreCase("https") ? "https" : "http";
        return Optional.ofNullable(System.getProperty(property + ".proxyHost"))
                .map(host -> host + " (-D" + property + ".proxyHost)")
                .or(
                        () ->
                                Optional.ofNullable(System.getProperty("socksProxyHost"))
                                        .map(host -> host + " (-DsocksProxyHost)"));
    }

    /** The way to the hub, for messages about its failures. */
    private String way() {
        URI endpoint = settings.endpoint();
        return javaProxy(endpoint)
                .or(() -> environmentProxy(endpoint).map(HubProxy::toString))
                .map(proxy -> "The proxy is " + proxy + ".")
                .orElse(
                        "No proxy is set for it: where one is needed, set HTTPS_PROXY, or give Java"
                                + " -Dhttps.proxyHost and -Dhttps.proxyPort.");
    }

    /** Whether an address is on the endpoint's own scheme, host and port. */
    private boolean isOwn(URI uri) {
        URI endpoint = settings.endpoint();
        return uri.getScheme().equalsIgnoreCase(endpoint.getScheme())
                && uri.getHost().equalsIgnoreCase(endpoint.getHost())
                && port(uri) == port(endpoint);
    }

    private static int port(URI uri) {
        int standard = uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
        return uri.getPort() < 0 ? standard : uri.getPort();
    }

    private int status(HttpURLConnection connection) throws IOException {
        int status = connection.getResponseCode();
        if (status < 0) {
            throw new Transient(show(connection) + ": the answer is not HTTP");
        }
        return status;
    }

    private JepaException noHub(HttpURLConnection connection, String what) {
        connection.disconnect();
        return new JepaException(
                name
                        + ": "
                        + show(connection)
                        + " "
                        + what
                        + ", so it is not a hub, or something between here and the hub answers for"
                        + " it, such as a network's login page. Check HF_ENDPOINT. "
                        + way());
    }

    private void refuse(HttpURLConnection connection, URI at, int status) throws IOException {
        if (status < 400) {
            return;
        }
        String code = header(connection, "X-Error-Code").orElse("");
        String said = header(connection, "X-Error-Message").orElse("");
        String answer =
                show(at) + " answers " + status + (said.isEmpty() ? "" : ", '" + said + "'");
        Optional<String> retryAfter = header(connection, "Retry-After");
        connection.disconnect();
        if (status == 408 || status == 429 || status >= 500) {
            Duration pause =
                    retryAfter
                            .filter(value -> value.matches("\\d{1,6}"))
                            .map(value -> Duration.ofSeconds(Long.parseLong(value)))
                            .orElse(Duration.ZERO);
            throw new Transient(answer, pause);
        }
        throw new HubRefusal(code, name + ": " + answer + ". " + remedy(at, status, code, said));
    }

    private String remedy(URI at, int status, String code, String said) {
        String source = settings.tokenSource();
        boolean token = settings.token().isPresent();
        String page = settings.endpoint() + "/" + name.repository();
        if (status == 407) {
            return way() + " It requires a user and password: http://user:password@host:port.";
        }
        if (!isOwn(at)) {
            return "The hub redirected there, and the token is sent to "
                    + settings.endpoint()
                    + " only.";
        }
        if (code.equals("RevisionNotFound")) {
            return "The model has no revision "
                    + name.revision()
                    + ": check the branch, tag or commit after @.";
        }
        if (code.equals("GatedRepo")) {
            return "The model is gated: accept its terms at "
                    + page
                    + (token
                            ? " with the account of the token from " + source + "."
                            : ", then log in with 'hf auth login' or set HF_TOKEN ("
                                    + source
                                    + ").");
        }
        if (said.equals("Access to this resource is disabled.")) {
            return "See " + page + ".";
        }
        if (said.startsWith("Invalid credentials")) {
            return "The token from "
                    + source
                    + " is wrong or has expired: log in again with 'hf auth login', or set HF_TOKEN.";
        }
        if (status == 401 || status == 404 || code.equals("RepoNotFound")) {
            return "There is no such model, or it is private: check the name"
                    + (token
                            ? ", and that the account of the token from " + source + " may read it."
                            : ", and for a private model log in with 'hf auth login' or set HF_TOKEN"
                                    + " ("
                                    + source
                                    + ").");
        }
        if (status == 403) {
            return token
                    ? "The token from " + source + " does not have the permission to read it."
                    : "Log in with 'hf auth login' or set HF_TOKEN (" + source + ").";
        }
        return "Check HF_ENDPOINT. " + way();
    }

    private <T> T retried(Request<T> request, LongSupplier progress) throws IOException {
        long furthest = progress.getAsLong();
        int attempt = 1;
        while (true) {
            try {
                return request.send();
            } catch (SSLException | FileSystemException | ProxyTunnel.Refused e) {
                throw e;
            } catch (IOException e) {
                long now = progress.getAsLong();
                attempt = now > furthest ? 1 : attempt;
                furthest = Math.max(furthest, now);
                if (attempt >= retry.attempts()) {
                    throw e;
                }
                LOG.warn("{}; trying again", describe(e));
                pause(e, attempt);
                attempt++;
            }
        }
    }

    private void pause(IOException failure, int attempt) throws IOException {
        Duration pause = retry.pause().multipliedBy(1L << Math.min(attempt - 1, 6));
        if (failure instanceof Transient answer && answer.pause.compareTo(pause) > 0) {
            pause = answer.pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : answer.pause;
        }
        try {
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failure;
        }
    }

    /** What failed and what may help. */
    String explain(IOException failure) {
        String remedy =
                failure instanceof SSLException
                        ? " Where a company's proxy re-signs connections, give Java its certificate:"
                                + " -Djavax.net.ssl.trustStore."
                        : "";
        return describe(failure) + "." + remedy + " " + way();
    }

    private static String describe(IOException failure) {
        if (failure instanceof UnknownHostException) {
            return "the host " + failure.getMessage() + " is not known";
        }
        if (failure instanceof SocketTimeoutException) {
            return failure.getMessage()
                    + " (HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT are seconds to wait)";
        }
        return String.valueOf(failure.getMessage());
    }

    private URI uri(String commit, String file) {
        StringBuilder quoted = new StringBuilder();
        for (String part : file.split("/")) {
            quoted.append('/').append(quote(part));
        }
        return uri("/" + name.repository() + "/resolve/" + commit + quoted);
    }

    private URI uri(String path) {
        return URI.create(settings.endpoint() + path);
    }

    private static String quote(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** An address without its query, which may hold a signature. */
    private static String show(URI uri) {
        return uri.toString().replaceFirst("\\?.*", "");
    }

    private static String show(HttpURLConnection connection) {
        return connection.getURL().toString().replaceFirst("\\?.*", "");
    }

    private static Optional<String> header(HttpURLConnection connection, String name) {
        return Optional.ofNullable(connection.getHeaderField(name));
    }

    private static long size(Path part) {
        try {
            return Files.exists(part) ? Files.size(part) : 0;
        } catch (IOException e) {
            return 0;
        }
    }
}
