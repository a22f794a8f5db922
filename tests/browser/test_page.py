"""The page of results in Chromium, opened as a file and without a network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

AXE = Path(os.environ.get("AXE", ""))
PATIENCE = 60  # seconds, for a machine that has much else to do


def shown(driver, selector):
    """Return the identifiers of the elements that can be seen."""
    found = driver.find_elements(By.CSS_SELECTOR, selector)
    return [element.get_attribute("id") for element in found if element.is_displayed()]


def choose(driver, name, value):
    Select(driver.find_element(By.CSS_SELECTOR, f".filters select[name={name}]")).select_by_value(value)


def errors(driver):
    return [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


ALL = ["figure/first", "figure/second", "figure/third"]


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_it_opens(browser, address, size):
    driver = browser(size)
    driver.get(address)
    assert shown(driver, "article.figure") == ALL
    assert driver.find_element(By.CSS_SELECTOR, ".found").text == "3 of 3 figures, 4 claims"
    # Nothing is cut off at the right.
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    driver.find_element(By.CSS_SELECTOR, "a[href='#figure/second']").click()
    pictures = driver.find_elements(By.CSS_SELECTOR, ".picture img")
    WebDriverWait(driver, PATIENCE).until(
        lambda _: driver.execute_script("return arguments[0].naturalWidth", pictures[1]) > 0
    )
    assert not errors(driver)


def test_it_filters_by_paper_verdict_and_basis(browser, address):
    driver = browser()
    driver.get(address)
    choose(driver, "paper", "another_2021")
    assert shown(driver, "article.figure") == ["figure/third"]
    choose(driver, "paper", "")
    choose(driver, "verdict", "differs")
    assert shown(driver, ".claim") == ["claim/first/two"]
    assert shown(driver, "article.figure") == ["figure/first"]
    choose(driver, "basis", "theorem")
    assert shown(driver, "article.figure") == []
    assert driver.find_element(By.CSS_SELECTOR, ".nothing").is_displayed()
    driver.find_element(By.CSS_SELECTOR, ".clear").click()
    assert shown(driver, "article.figure") == ALL
    choose(driver, "basis", "theorem")
    assert shown(driver, ".claim") == ["claim/first/three"]


def test_it_searches_and_follows_keys(browser, address):
    driver = browser()
    driver.get(address)
    body = driver.find_element(By.TAG_NAME, "body")
    body.send_keys("/")
    field = driver.switch_to.active_element
    assert field.get_attribute("name") == "text"
    field.send_keys("another INIT")
    assert shown(driver, "article.figure") == ["figure/first"]
    field.send_keys(Keys.ESCAPE)
    assert shown(driver, "article.figure") == ALL
    driver.execute_script("document.activeElement.blur()")
    for key, place in (("j", "first"), ("j", "second"), ("k", "first")):
        driver.find_element(By.TAG_NAME, "body").send_keys(key)
        WebDriverWait(driver, PATIENCE).until(lambda _, at=place: driver.current_url.endswith(f"#figure/{at}"))


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_it_follows_permalinks(browser, address, size):
    driver = browser(size)
    driver.get(f"{address}#claim/second/four")
    place = driver.find_element(By.ID, "claim/second/four")
    seen = "const box = arguments[0].getBoundingClientRect(); return box.top >= 0 && box.top < innerHeight"
    WebDriverWait(driver, PATIENCE).until(lambda _: driver.execute_script(seen, place))
    # Also to what a filter hides.
    choose(driver, "paper", "another_2021")
    assert not place.is_displayed()
    driver.execute_script("location.hash = '#claim/first/one'")
    WebDriverWait(driver, PATIENCE).until(lambda _: driver.find_element(By.ID, "claim/first/one").is_displayed())


def test_one_zooms_in_an_interactive_figure(browser, address):
    driver = browser()
    driver.get(address)
    assert driver.execute_script("return typeof Plotly") == "undefined"  # nothing of it is loaded before
    driver.find_element(By.CSS_SELECTOR, "button[data-twin=first]").click()
    place = driver.find_element(By.ID, "twin/first")
    WebDriverWait(driver, PATIENCE).until(lambda _: place.get_attribute("data-drawn"))
    axis = "return arguments[0]._fullLayout.xaxis"
    assert driver.execute_script(f"{axis}.type", place) == "log"
    before = driver.execute_script(f"{axis}.range", place)
    drag = place.find_element(By.CSS_SELECTOR, ".xy .nsewdrag")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", place)
    chain = ActionChains(driver).move_to_element_with_offset(drag, -60, -40).click_and_hold()
    chain.move_by_offset(40, 30).move_by_offset(40, 30).release().perform()
    WebDriverWait(driver, PATIENCE).until(lambda _: driver.execute_script(f"{axis}.range", place) != before)
    low, high = driver.execute_script(f"{axis}.range", place)
    assert before[0] < low < high < before[1]
    # A series is switched off in the legend.
    driver.find_element(By.CSS_SELECTOR, "#twin\\/first .legendtoggle").click()
    hidden = "return arguments[0]._fullData.filter((trace) => trace.visible === 'legendonly').length"
    WebDriverWait(driver, PATIENCE).until(lambda _: driver.execute_script(hidden, place) >= 2)
    assert not errors(driver)


def test_panels_of_an_interactive_figure_fit_a_narrow_window(browser, address):
    driver = browser("narrow")
    driver.get(address)
    driver.find_element(By.CSS_SELECTOR, "button[data-twin=first]").click()
    place = driver.find_element(By.ID, "twin/first")
    WebDriverWait(driver, PATIENCE).until(lambda _: place.get_attribute("data-drawn"))
    first, second = (
        driver.execute_script(f"return arguments[0]._fullLayout.yaxis{n}.domain", place) for n in ("", "2")
    )
    assert first[0] > second[1]
    assert driver.execute_script("return arguments[0].scrollWidth <= arguments[0].clientWidth", place)


def test_it_can_be_read_without_scripts(browser, address):
    driver = browser(scripts=False)
    driver.get(f"{address}#figure/second")
    assert shown(driver, "article.figure") == ALL
    assert len(shown(driver, ".claim")) == 4
    assert not driver.find_element(By.CSS_SELECTOR, ".filters").is_displayed()
    assert not shown(driver, "button[data-twin]")
    driver.find_element(By.CSS_SELECTOR, "summary").click()
    assert "max_steps" in driver.find_element(By.CSS_SELECTOR, "details").text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
@pytest.mark.skipif(not AXE.is_file(), reason="AXE names no axe.min.js: npm is missing, or has no network")
def test_axe_finds_nothing(browser, address, size, dark):
    driver = browser(size, dark)
    driver.get(address)
    driver.execute_script("for (const details of document.querySelectorAll('details')) details.open = true")
    driver.set_script_timeout(PATIENCE)
    driver.execute_script(AXE.read_text(encoding="utf-8"))
    found = driver.execute_async_script("const done = arguments[0]; axe.run().then((found) => done(found.violations))")
    assert not [(violation["id"], [node["html"] for node in violation["nodes"]][:3]) for violation in found]
