package io.github.dl4jjepa.models.tokenizer.jinja;

/** A template that cannot be compiled or rendered. */
public class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean raisedByTemplate;

    TemplateException(String message) {
        this(message, null);
    }

    TemplateException(String message, Throwable cause) {
        super(message, cause);
        this.raisedByTemplate = false;
    }

    private TemplateException(String message, boolean raisedByTemplate) {
        super(message);
        this.raisedByTemplate = raisedByTemplate;
    }

    /** What {@code raise_exception(message)} raises. */
    static TemplateException raised(String message) {
        return new TemplateException(message, true);
    }

    /** Whether the template itself refused its input; the message is its own then. */
    public boolean isRaisedByTemplate() {
        return raisedByTemplate;
    }
}
