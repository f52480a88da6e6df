package io.github.dl4jjepa.models.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLSocketFactory;

/**
 * TLS through an HTTP proxy that may require a user and password.
 *
 * <p>The JDK's own tunnel does not send Basic credentials unless the whole process is started with
 * {@code -Djdk.http.auth.tunneling.disabledSchemes=}. Here the plain socket below the TLS socket
 * asks the proxy for the tunnel while it connects.
 */
final class ProxyTunnel extends SSLSocketFactory {
    private static final int LONGEST_ANSWER = 1 << 16;

    private final HubProxy proxy;
    private final SSLSocketFactory tls;

    ProxyTunnel(HubProxy proxy, SSLSocketFactory tls) {
        this.proxy = proxy;
        this.tls = tls;
    }

    /** The proxy did not open the tunnel. */
    static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    @Override
    public Socket createSocket() {
        return new TunnelSocket();
    }

    @Override
    public Socket createSocket(Socket tunnel, String host, int port, boolean autoClose)
            throws IOException {
        return tls.createSocket(tunnel, host, port, autoClose);
    }

    @Override
    public String[] getDefaultCipherSuites() {
        return tls.getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return tls.getSupportedCipherSuites();
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException("connects by createSocket() only");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException("connects by createSocket() only");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException("connects by createSocket() only");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
        throw new UnsupportedOperationException("connects by createSocket() only");
    }

    private final class TunnelSocket extends Socket {
        @Override
        public void connect(SocketAddress endpoint) throws IOException {
            connect(endpoint, 0);
        }

        @Override
        public void connect(SocketAddress endpoint, int timeout) throws IOException {
            var target = (InetSocketAddress) endpoint;
            String host = target.getHostString();
            String authority =
                    (host.contains(":") ? '[' + host + ']' : host) + ':' + target.getPort();
            super.connect(new InetSocketAddress(proxy.host(), proxy.port()), timeout);
            setSoTimeout(timeout);
            String request =
                    "CONNECT "
                            + authority
                            + " HTTP/1.1\r\nHost: "
                            + authority
                            + proxy.authorization()
                                    .map(value -> "\r\nProxy-Authorization: " + value)
                                    .orElse("")
                            + "\r\n\r\n";
            getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            String answer = head(getInputStream());
            String status = answer.lines().findFirst().orElse("");
            if (!status.matches("HTTP/1\\.\\d 2\\d\\d.*")) {
                throw new Refused(
                        "the proxy "
                                + proxy
                                + " answers '"
                                + status
                                + (status.contains(" 407")
                                        ? "': it requires http://user:password@host:port"
                                        : "'"));
            }
        }

        /** Reads the head of the proxy's answer and not one byte of what follows it. */
        private String head(InputStream in) throws IOException {
            var answer = new StringBuilder();
            while (answer.indexOf("\r\n\r\n") < 0) {
                int read = in.read();
                if (read < 0 || answer.length() > LONGEST_ANSWER) {
                    throw new IOException("the proxy " + proxy + " closed the connection");
                }
                answer.append((char) read);
            }
            return answer.toString();
        }
    }
}
