/** The report: a page of HTML with charts, made of nothing but the numbers of its JSON. */
package dev.mamba4j.evaluate.report;
