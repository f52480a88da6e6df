package io.github.dl4jjepa.models.hub;

import io.github.dl4jjepa.core.JepaException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A proxy from an environment variable.
 *
 * @param variable the variable's name
 * @param type HTTP or SOCKS
 * @param host its host
 * @param port its port
 * @param authorization the value of {@code Proxy-Authorization}; empty without user and password
 */
record HubProxy(
        String variable, Proxy.Type type, String host, int port, Optional<String> authorization) {
    private static final Pattern VALUE =
            Pattern.compile("(?:(\\w+)://)?(?:(.*)@)?(\\[[^]]+]|[^:/@]+)(?::(\\d{1,5}))?(?:/.*)?");

    /** Reads {@code [scheme://][user:password@]host[:port]}. */
    static HubProxy parse(String variable, String value) {
        Matcher parts = VALUE.matcher(value.strip());
        if (!parts.matches()) {
            throw unusable(variable, "is not an address such as http://user:password@host:8080");
        }
        String scheme = Optional.ofNullable(parts.group(1)).orElse("http").toLowerCase(Locale.ROOT);
        Optional<String> user = Optional.ofNullable(parts.group(2)).map(HubProxy::decode);
        boolean socks = scheme.equals("socks5") || scheme.equals("socks5h");
        if (!socks && !scheme.equals("http")) {
            throw unusable(
                    variable,
                    "has the scheme "
                            + scheme
                            + "://; proxies are asked by http:// or socks5:// (which carry"
                            + " https requests encrypted, too)");
        }
        if (socks && user.isPresent()) {
            throw unusable(
                    variable,
                    "has a user and password for a SOCKS proxy; give them to Java as"
                            + " -Djava.net.socks.username and -Djava.net.socks.password");
        }
        int defaultPort = socks ? 1080 : 80;
        return new HubProxy(
                variable,
                socks ? Proxy.Type.SOCKS : Proxy.Type.HTTP,
                parts.group(3).replaceAll("[\\[\\]]", ""),
                parts.group(4) == null ? defaultPort : Integer.parseInt(parts.group(4)),
                user.map(HubProxy::basic));
    }

    private static String basic(String user) {
        String full = user.contains(":") ? user : user + ':';
        return "Basic " + Base64.getEncoder().encodeToString(full.getBytes(StandardCharsets.UTF_8));
    }

    /** Percent signs decoded, and a plus sign left alone. */
    private static String decode(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text; // a lone percent sign
        }
    }

    /** The proxy as the JDK has it. */
    Proxy toProxy() {
        return new Proxy(type, new InetSocketAddress(host, port));
    }

    @Override
    public String toString() {
        return host + ':' + port + " (" + variable + ')';
    }

    private static JepaException unusable(String variable, String why) {
        return new JepaException(
                "The environment variable " + variable + ' ' + why + ". Set it anew, or unset it.");
    }
}
