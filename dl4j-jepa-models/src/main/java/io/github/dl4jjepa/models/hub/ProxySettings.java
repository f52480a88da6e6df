package io.github.dl4jjepa.models.hub;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The proxies that environment variables name, read as Python's {@code httpx} reads them: {@code
 * HTTP_PROXY}, {@code HTTPS_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY} in either case, the
 * lower case first.
 */
final class ProxySettings {
    private static final String SUFFIX = "_proxy";

    /** Proxy variables by the lower-case word before {@code _proxy}. */
    private final Map<String, Variable> variables;

    private final List<Exclusion> exclusions;
    private final boolean none;

    private record Variable(String name, String value) {}

    private ProxySettings(Map<String, Variable> variables) {
        this.variables = variables;
        List<String> hosts =
                Optional.ofNullable(variables.get("no"))
                        .map(variable -> List.of(variable.value().split(",")))
                        .orElse(List.of())
                        .stream()
                        .map(String::strip)
                        .toList();
        none = hosts.contains("*");
        exclusions = hosts.stream().map(Exclusion::of).flatMap(Optional::stream).toList();
    }

    static ProxySettings of(Map<String, String> environment) {
        Map<String, Variable> variables = new HashMap<>();
        environment.forEach(
                (name, value) -> {
                    String lower = name.toLowerCase(Locale.ROOT);
                    if (lower.endsWith(SUFFIX) && !name.endsWith(SUFFIX) && !value.isEmpty()) {
                        variables.put(word(lower), new Variable(name, value));
                    }
                });
        // A CGI program gets a request's "Proxy:" header as HTTP_PROXY (CVE-2016-1000110).
        if (environment.containsKey("REQUEST_METHOD")) {
            variables.remove("http");
        }
        environment.forEach(
                (name, value) -> {
                    if (name.endsWith(SUFFIX)) {
                        String word = word(name.toLowerCase(Locale.ROOT));
                        if (value.isEmpty()) {
                            variables.remove(word);
                        } else {
                            variables.put(word, new Variable(name, value));
                        }
                    }
                });
        return new ProxySettings(variables);
    }

    private static String word(String lower) {
        return lower.substring(0, lower.length() - SUFFIX.length());
    }

    /**
     * The proxy for an address.
     *
     * @throws io.github.dl4jjepa.core.JepaException if the variable's value cannot be used
     */
    Optional<HubProxy> proxyFor(URI uri) {
        Variable variable =
                variables.getOrDefault(
                        uri.getScheme().toLowerCase(Locale.ROOT), variables.get("all"));
        if (variable == null
                || none
                || exclusions.stream().anyMatch(exclusion -> exclusion.matches(uri))) {
            return Optional.empty();
        }
        return Optional.of(HubProxy.parse(variable.name(), variable.value()));
    }

    /** An entry of {@code NO_PROXY}. */
    private record Exclusion(@Nullable String scheme, String host, Kind kind, int port) {
        private static final Pattern ENTRY =
                Pattern.compile(
                        "(?:(\\w+)://)?(\\[[^]]*]|[^:/]*|[0-9a-fA-F:]*::?[0-9a-fA-F:.]*)"
                                + "(?::(\\d+))?(?:/(\\d+))?");
        private static final Pattern IPV4 = Pattern.compile("\\d+\\.\\d+\\.\\d+\\.\\d+");

        private enum Kind {
            EXACTLY,
            BELOW,
            AT_OR_BELOW,
            NETWORK
        }

        static Optional<Exclusion> of(String entry) {
            Matcher parts = ENTRY.matcher(entry);
            if (entry.isEmpty() || !parts.matches()) {
                return Optional.empty();
            }
            String scheme = parts.group(1);
            String host = parts.group(2).replaceAll("[\\[\\]]", "").toLowerCase(Locale.ROOT);
            int port = parts.group(3) == null ? -1 : Integer.parseInt(parts.group(3));
            boolean address = isAddress(host);
            Kind kind = Kind.AT_OR_BELOW;
            if (parts.group(4) != null) {
                if (!address) {
                    return Optional.empty();
                }
                kind = Kind.NETWORK;
                host += '/' + parts.group(4);
            } else if (host.startsWith("*.") || host.startsWith(".")) {
                kind = Kind.BELOW;
                host = host.substring(host.indexOf('.') + 1);
            } else if (address || scheme != null || host.equals("localhost")) {
                kind = Kind.EXACTLY;
            }
            return Optional.of(
                    new Exclusion("all".equals(scheme) ? null : scheme, host, kind, port));
        }

        boolean matches(URI uri) {
            String asked = uri.getHost().replaceAll("[\\[\\]]", "").toLowerCase(Locale.ROOT);
            return (scheme == null || scheme.equalsIgnoreCase(uri.getScheme()))
                    && (port < 0 || port == uri.getPort())
                    && switch (kind) {
                        case EXACTLY -> asked.equals(host);
                        case BELOW -> asked.endsWith('.' + host);
                        case AT_OR_BELOW -> asked.equals(host) || asked.endsWith('.' + host);
                        case NETWORK -> isAddress(asked) && isIn(asked, host);
                    };
        }

        private static boolean isAddress(String host) {
            return IPV4.matcher(host).matches() || host.contains(":");
        }

        private static boolean isIn(String address, String network) {
            int slash = network.indexOf('/');
            byte[] one = bytes(address);
            byte[] other = bytes(network.substring(0, slash));
            int rest = 8 * one.length - Integer.parseInt(network.substring(slash + 1));
            return one.length > 0
                    && one.length == other.length
                    && rest >= 0
                    && new BigInteger(1, one)
                            .shiftRight(rest)
                            .equals(new BigInteger(1, other).shiftRight(rest));
        }

        private static byte[] bytes(String address) {
            try {
                return InetAddress.getByName(address).getAddress(); // never a name: no look-up
            } catch (UnknownHostException e) {
                return new byte[0];
            }
        }
    }
}
