/** What a data set asks for, and when a generated answer is right. */
package io.github.dl4jjepa.models.evaluation;
