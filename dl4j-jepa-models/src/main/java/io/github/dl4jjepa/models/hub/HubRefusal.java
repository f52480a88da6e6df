package io.github.dl4jjepa.models.hub;

import io.github.dl4jjepa.core.JepaException;

/** The hub's final no to a request. */
final class HubRefusal extends JepaException {
    private static final long serialVersionUID = 1L;

    private final String code;

    /**
     * @param code the hub's own {@code X-Error-Code}; may be empty
     */
    HubRefusal(String code, String message) {
        super(message);
        this.code = code;
    }

    boolean isUnknownRevision() {
        return code.equals("RevisionNotFound");
    }
}
