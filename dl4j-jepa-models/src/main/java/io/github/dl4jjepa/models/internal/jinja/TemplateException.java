package io.github.dl4jjepa.models.internal.jinja;

/** A template that cannot be compiled or rendered. */
public class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean raisedByTemplate;
    private final boolean placed;

    /** An error whose place is not known, or that names it itself. */
    TemplateException(String message) {
        this(message, null, false, false);
    }

    private TemplateException(
            String message, Throwable cause, boolean raisedByTemplate, boolean placed) {
        super(message, cause);
        this.raisedByTemplate = raisedByTemplate;
        this.placed = placed;
    }

    /** What {@code raise_exception(message)} raises. */
    static TemplateException raised(String message) {
        return new TemplateException(message, null, true, true);
    }

    /** The same error with the line of the innermost block that it occurred in. */
    TemplateException at(int line) {
        return placed
                ? this
                : new TemplateException("line " + line + ": " + getMessage(), this, false, true);
    }

    /** Whether the template itself refused its input; the message is its own then. */
    public boolean isRaisedByTemplate() {
        return raisedByTemplate;
    }
}
