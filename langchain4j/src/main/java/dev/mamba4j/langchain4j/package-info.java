/** The engine as models of LangChain4j, in process. */
package dev.mamba4j.langchain4j;
